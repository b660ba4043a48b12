/** Why a field is what it is: what each part of the cue did, the other values, the episodes behind it. */

import { button, el } from "./dom.js";
import { fill } from "./panel.js";
import { SOURCES, percent, text } from "./words.js";

const EPISODES = 3;
const OTHERS = 6;

export class WhyView {
  constructor(host, api) {
    this.api = api;
    this.element = el("section", { class: "why", id: "why", "aria-live": "polite", "aria-labelledby": "why-title", hidden: true });
    host.append(this.element);
  }

  hide() {
    this.element.hidden = true;
  }

  /** Show the why of one field of an answer, which was given to this request in this space. */
  show(name, answer, request, memory) {
    const { fields, abstained = {} } = answer.completed_episode;
    const attribution = answer.source_attribution[name];
    const isGiven = attribution?.source === "given";
    const title = name in fields ? [`Why “${text(fields[name])}”?`] : [`Why was ${name} left out?`];
    this.element.replaceChildren(
      el("h3", { id: "why-title" }, ...title),
      el("p", {}, lead(name, answer)),
      ...(attribution && !isGiven ? [mixture(attribution.masses)] : []),
      ...(answer.why?.[name] ? [waterfall(answer.why[name], request.partial_episode.known_fields)] : []),
      ...(isGiven ? [] : [this.#others(name, fields[name], request, memory)]),
      ...(attribution?.evidence.length ? [this.#evidence(name, attribution.evidence, request, memory)] : []),
      ...counterfactuals(answer.why?.[name]?.counterfactuals ?? []),
      ...(name in abstained ? askNext(answer.ask_next ?? [], name) : []),
      ...(attribution && !isGiven && !memory.space.read_only ? [this.#judgement(name, answer, memory)] : []));
    this.element.hidden = false;
  }

  /** The other values of this field, asked for by itself. */
  #others(name, value, request, memory) {
    const list = el("ol", { class: "others" }, el("li", { class: "loading" }, "Asking …"));
    const question = { partial_episode: request.partial_episode, targets: [name], config: { ...request.config, ca1_threshold: 0, num_hypotheses: OTHERS } };
    const told = (answer) => {
      const best = { value: answer.completed_episode.fields[name], confidence: answer.source_attribution[name].confidence };
      const rest = answer.alternative_hypotheses.map(({ episode, confidence }) => ({ value: episode.fields[name], confidence }));
      list.replaceChildren(...[best, ...rest].map((each) => other(each, value)));
    };
    this.api.post("complete", question, { space: memory.id, query: { verbose: true } })
      .then(told, (problem) => list.replaceChildren(el("li", {}, problem.message)));
    return el("section", {}, el("h4", {}, "What else it could be"), list);
  }

  /** Whether it was right: the person knows, and the calibration learns of it. */
  #judgement(name, answer, memory) {
    const host = el("div", { class: "judgement" });
    const say = (verdict) => fill(host, "Sending …", async () => {
      await this.api.post("feedback", { completion_id: answer.completion_id, field: name, verdict }, { space: memory.id });
      return [el("p", { role: "status" }, "Noted: it enters the calibration of this memory.")];
    });
    host.append(el("span", {}, "Was it right?"), button("Right", () => say("right")), button("Wrong", () => say("wrong")));
    return host;
  }

  #evidence(name, evidence, request, memory) {
    const list = el("ol", { class: "episodes" });
    const more = button(`Show all ${evidence.length}`, () => { this.#fetch(evidence.slice(EPISODES), name, request, memory, list); more.remove(); }, { class: "quiet" });
    this.#fetch(evidence.slice(0, EPISODES), name, request, memory, list);
    return el("section", {}, el("h4", {}, "The episodes behind it"), list, evidence.length > EPISODES ? more : null);
  }

  #fetch(evidence, name, request, memory, list) {
    for (const { episode_id: id, weight, similarity } of evidence) {
      const item = el("li", { class: "episode" }, el("code", {}, id));
      list.append(item);
      this.api.get(`episodes/${encodeURIComponent(id)}`, { space: memory.id })
        .then((episode) => item.replaceChildren(...card(episode, name, request, weight, similarity)), () => item.append(" could not be read."));
    }
  }
}

/** An episode as lines of fields; what the cue also says and the field in question stand out. */
export function card(episode, name, request, weight, similarity) {
  const known = request?.partial_episode.known_fields ?? {};
  const kind = (field) => (field === name ? "asked" : field in known && text(known[field]) === text(episode.fields[field]) ? "agrees" : "");
  return [
    el("div", { class: "episode-head" }, el("code", {}, episode.id),
      weight === undefined ? null : el("span", {}, `weight ${percent(weight)}, similarity ${percent(similarity)}`)),
    el("dl", {}, ...Object.entries(episode.fields).flatMap(([field, value]) =>
      [el("div", { class: kind(field) }, el("dt", {}, field), el("dd", {}, text(value)))])),
  ];
}

function lead(name, answer) {
  const attribution = answer.source_attribution[name];
  const why = answer.why?.[name]?.sentence;
  if (!attribution) return `${answer.completed_episode.abstained[name]}.`;
  return [SOURCES[attribution.source], why].filter(Boolean).join(" ");
}

/** How much each source contributed, as one bar with its legend. */
function mixture(masses) {
  const parts = Object.entries(masses).filter(([, mass]) => mass >= 0.005);
  return el("figure", { class: "mixture" },
    el("div", { class: "split", "aria-hidden": "true" }, ...parts.map(([source, mass]) => el("span", { class: source, vars: { share: `${100 * mass}%` } }))),
    el("figcaption", {}, ...parts.map(([source, mass]) => el("span", { class: `legend ${source}` }, `${source} ${percent(mass)}`))));
}

/** From the base rate, part by part, to the answer: log-odds that add up exactly. */
function waterfall({ base, log_odds: end, contributions, method }, known) {
  const steps = [{ label: "Before the cue", from: base, to: base, said: percent(probability(base)) }];
  let at = base;
  for (const { field, nats, factor } of contributions) {
    steps.push({ label: field in known ? `${field} = ${text(known[field])}` : field.replace("_", " "), from: at, to: at + nats, said: odds(factor) });
    at += nats;
  }
  steps.push({ label: "With all of it", from: end, to: end, said: percent(probability(end)), isEnd: true });
  const low = Math.min(...steps.map(({ from, to }) => Math.min(from, to)));
  const high = Math.max(...steps.map(({ from, to }) => Math.max(from, to)));
  const place = (value) => (100 * (value - low)) / (high - low || 1);
  const row = ({ label, from, to, said, isEnd }) => el("tr", { class: from === to ? (isEnd ? "end" : "base") : to > from ? "for" : "against" },
    el("th", { scope: "row" }, label),
    el("td", { class: "track", "aria-hidden": "true" }, el("span", { class: "span", vars: { from: `${place(Math.min(from, to))}%`, size: `${Math.abs(place(to) - place(from))}%` } })),
    el("td", { class: "said" }, said));
  return el("table", { class: "waterfall" },
    el("caption", {}, `What each part did to the odds${{ grouped: " (shared within groups of fields that speak for the same episodes)", sampled: " (means over sampled orders; the sum is exact)" }[method] ?? ""}`),
    el("tbody", {}, ...steps.map(row)));
}

function probability(logOdds) {
  return 1 / (1 + Math.exp(-logOdds));
}

function odds(factor) {
  const told = (number) => (number >= 100 ? Math.round(number).toLocaleString("en") : number.toPrecision(2));
  return factor >= 1 ? `odds × ${told(factor)}` : `odds ÷ ${told(1 / factor)}`;
}

function other({ value, confidence }, chosen) {
  return el("li", { class: text(value) === text(chosen ?? "") ? "chosen" : "" },
    el("span", { class: "other-value" }, text(value)), el("span", { class: "meter", "aria-hidden": "true", vars: { share: `${100 * confidence}%` } }), el("b", {}, percent(confidence)));
}

function counterfactuals(found) {
  if (!found.length) return [];
  const without = ({ without_fields: fields, without_episodes: episodes }) => (fields.length ? fields.join(" and ") : episodes.length > 3 ? `${episodes.length} of its episodes` : episodes.join(" and "));
  return [el("section", {}, el("h4", {}, "What would change it"), el("ul", { class: "plain" },
    ...found.map((each) => el("li", {}, `Without ${without(each)} it would be `, el("b", {}, text(each.value)), ` (${percent(each.confidence)}).`))))];
}

function askNext(asked, name) {
  const helpful = asked.filter(({ target }) => target === name);
  if (!helpful.length) return [];
  return [el("section", {}, el("h4", {}, "What would help"), el("ul", { class: "plain" },
    ...helpful.map(({ field, confidence, confidence_expected: expected }) => el("li", {}, el("b", {}, field), `: expected to raise it from ${percent(confidence)} to ${percent(expected)}.`))))];
}
