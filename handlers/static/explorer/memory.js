/** What a space holds, as far as the page needs it: its fields, their values, and cues worth trying. */

import { text, typed } from "./words.js";

const SAMPLE = 1000; // episodes whose values are suggested; vectors make episodes heavy, so that fewer are read then
const HEAVY_SAMPLE = 100;

export class Memory {
  constructor(space, stats, episodes, patterns) {
    Object.assign(this, { space, stats, episodes, patterns });
    this.id = space.space_id;
    this.fields = stats.fields;
    this.types = new Map(stats.fields.map((field) => [field.name, field.type]));
    this.values = countValues(episodes);
  }

  static async open(api, id) {
    const path = `spaces/${encodeURIComponent(id)}`;
    const [space, stats, patterns] = await Promise.all([
      api.get(path), api.get(`${path}/stats`), api.get("patterns", { space: id, query: { limit: 60 } }),
    ]);
    const limit = stats.episodes_with_embedding ? HEAVY_SAMPLE : SAMPLE;
    const page = await api.get("episodes", { space: id, query: { limit } });
    return new Memory(space, stats, page.items, patterns.items);
  }

  /** Whether all episodes were read, so that every value is suggested. */
  get isWhole() {
    return this.episodes.length >= this.stats.episodes;
  }

  /** Names of fields that match what was typed, the fullest first. */
  names(fragment, taken) {
    const free = this.fields.filter(({ name }) => !taken.has(name) && matches(name, fragment));
    return free.map(({ name, type }) => ({ value: name, note: type }));
  }

  /** Values of a field that match what was typed, the most frequent first. */
  valuesOf(name, fragment) {
    const counts = [...(this.values.get(name) ?? [])].filter(([value]) => matches(value, fragment));
    return counts.slice(0, 50).map(([value, count]) => ({ value, note: `× ${count}` }));
  }

  /** Cues to begin with: conditions of the strongest regularities, else the most frequent values. */
  examples(most = 4) {
    const given = this.patterns.map((pattern) => pattern.given);
    const frequent = this.fields.filter(({ type }) => type === "category").map(({ name }) => {
      const [value, count] = this.values.get(name)?.entries().next().value ?? [];
      return count > 1 ? { [name]: value } : {};
    });
    const distinct = new Map([...given, ...frequent].filter((cue) => Object.keys(cue).length).map((cue) => [sentence(cue), cue]));
    return spread([...distinct.values()], most);
  }
}

/** A cue as one reads it. */
export function sentence(cue) {
  return Object.entries(cue).map(([name, value]) => `${name} = ${text(value)}`).join(", ");
}

function matches(candidate, fragment) {
  return candidate.toLowerCase().includes(fragment.trim().toLowerCase());
}

function countValues(episodes) {
  const counts = new Map();
  for (const { fields } of episodes) {
    for (const [name, value] of Object.entries(fields)) {
      const ofField = counts.get(name) ?? counts.set(name, new Map()).get(name);
      ofField.set(typed(value), (ofField.get(typed(value)) ?? 0) + 1);
    }
  }
  const byCount = (ofField) => new Map([...ofField].sort(([, one], [, other]) => other - one));
  return new Map([...counts].map(([name, ofField]) => [name, byCount(ofField)]));
}

/** A few cues, the first of every field before the second of any. */
function spread(cues, most) {
  const seen = new Set();
  const isFirst = (cue) => { const [name] = Object.keys(cue); return !seen.has(name) && seen.add(name); };
  const first = cues.filter(isFirst);
  return [...new Set([...first, ...cues])].slice(0, most);
}
