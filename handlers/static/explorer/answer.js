/** The completed episode: every field coloured by its source and sized by its confidence, and what was left out. */

import { el } from "./dom.js";
import { SOURCES, percent, surety, text } from "./words.js";

const WORTH_A_WARNING = 0.1; // the chance that a given value is wrong

export class AnswerView {
  constructor(host, { onChoose }) {
    this.onChoose = onChoose;
    this.summary = el("div", { class: "summary" });
    this.list = el("ul", { class: "fields" });
    this.notes = el("ul", { class: "cue-notes" });
    this.element = el("div", { class: "answer", hidden: true }, this.summary, this.notes, this.list);
    host.append(this.element);
  }

  /** Empty places for what is to come, under what is given. */
  begin(given, targets) {
    this.rows = new Map();
    this.summary.replaceChildren(el("p", { class: "verdict" }, "Remembering …"));
    this.notes.replaceChildren();
    this.list.replaceChildren();
    for (const [name, value] of Object.entries(given)) this.#place(name).given(value);
    for (const name of targets) this.#place(name);
    this.element.hidden = false;
  }

  fill({ name, value, confidence, interval }) {
    this.#place(name).fill({ value, confidence, interval });
  }

  show(answer) {
    const { fields, abstained = {}, intervals = {} } = answer.completed_episode;
    this.summary.replaceChildren(...verdict(answer));
    this.notes.replaceChildren(...(answer.cue_notes ?? []).map(({ message }) => el("li", {}, message)));
    for (const [name, attribution] of Object.entries(answer.source_attribution)) {
      const suspicion = answer.reconstruction_stats.suspect_fields?.[name];
      if (attribution.source === "given") this.#place(name).given(fields[name], suspicion);
      else this.#place(name).fill({ value: fields[name], interval: intervals[name], ...attribution });
    }
    for (const [name, reason] of Object.entries(abstained)) this.#place(name).leaveOut(reason);
    for (const row of this.rows.values()) row.open();
    this.list.append(...[...this.rows.values()].sort((one, other) => one.order - other.order).map((row) => row.element));
  }

  /** Mark the field whose why is shown. */
  mark(name) {
    for (const [each, row] of this.rows) row.button.setAttribute("aria-pressed", String(each === name));
  }

  hide() {
    this.element.hidden = true;
  }

  #place(name) {
    if (!this.rows.has(name)) {
      const row = new FieldRow(name, () => this.onChoose(name));
      this.rows.set(name, row);
      this.list.append(row.element);
    }
    return this.rows.get(name);
  }
}

class FieldRow {
  order = 2;

  constructor(name, onChoose) {
    this.value = el("span", { class: "value" }, "\u00a0");
    this.facts = el("span", { class: "facts" });
    this.button = el("button", { type: "button", "aria-pressed": "false", disabled: true, on: { click: onChoose } },
      el("span", { class: "name" }, name), this.value, this.facts);
    this.element = el("li", { class: "field waiting" }, this.button);
  }

  open() {
    this.button.disabled = false;
  }

  given(value, suspicion) {
    this.#become("given", text(value), 1);
    const doubt = suspicion >= WORTH_A_WARNING ? el("span", { class: "doubt" }, `may be wrong: ${percent(suspicion)}`) : null;
    this.facts.replaceChildren(chip("given"), ...(doubt ? [doubt] : []));
    this.order = 0;
  }

  fill({ value, confidence, interval, source }) {
    this.#become(source ?? "arriving", text(value), confidence);
    this.facts.replaceChildren(
      ...(source ? [chip(source)] : []),
      el("span", { class: "sure" }, el("b", {}, percent(confidence)), ` ${surety(confidence)}`),
      ...(interval ? [el("span", {}, range(interval))] : []));
    this.order = 1;
  }

  leaveOut(reason) {
    this.#become("left-out", "left out", 0);
    this.facts.replaceChildren(el("span", {}, reasonInWords(reason)));
    this.order = 2;
  }

  #become(source, told, confidence) {
    this.element.className = `field ${source}`;
    this.element.style.setProperty("--sure", confidence);
    this.value.textContent = told;
  }
}

function chip(source) {
  return el("span", { class: "chip", title: SOURCES[source] ?? "" }, source);
}

function range({ low, high, mass }) {
  return text(low) === text(high) ? `exactly this with ${percent(mass)}` : `${text(low)} to ${text(high)} with ${percent(mass)}`;
}

/** “below ca1_threshold: 0.42 < 0.5” as a person says it. */
export function reasonInWords(reason) {
  const below = /^below ca1_threshold: ([\d.]+) < ([\d.]+)/.exec(reason);
  if (below) return `${percent(Number(below[1]))} sure, ${percent(Number(below[2]))} is asked for`;
  return reason.replace(/^[a-z_]+: /, "");
}

function verdict(answer) {
  const filled = Object.values(answer.source_attribution).filter(({ source }) => source !== "given").length;
  const missing = Object.keys(answer.completed_episode.abstained ?? {}).length;
  const told = `${filled} filled in${missing ? `, ${missing} left out rather than guessed` : ""}.`;
  const { match_confidence: match, plausibility_score: plausible } = answer.reconstruction_stats;
  return [
    el("p", { class: "verdict" }, el("strong", {}, percent(answer.completion_confidence)), ` sure on average. ${told}`),
    el("dl", { class: "judgements" },
      judgement("the cue means a stored episode", match),
      judgement("the whole fits this memory", plausible),
      judgement("these numbers can be trusted", answer.metacognitive_confidence)),
  ];
}

function judgement(claim, share) {
  return el("div", {}, el("dt", {}, claim), el("dd", {}, percent(share)));
}
