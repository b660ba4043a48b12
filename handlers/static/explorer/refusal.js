/** A refusal: what failed and by which numbers, and its suggestions as buttons that do what they say. */

import { button, el } from "./dom.js";
import { decimal, percent } from "./words.js";

export class RefusalView {
  constructor(host, { onPatch, onAskFor, onHeaders }) {
    Object.assign(this, { onPatch, onAskFor, onHeaders });
    this.element = el("div", { class: "refusal", role: "alert", hidden: true });
    host.append(this.element);
  }

  hide() {
    this.element.hidden = true;
    this.element.replaceChildren();
  }

  show(problem) {
    const { status, title, detail, diagnosis, suggestions = [], type } = problem;
    const isHonest = status === 422;
    this.element.className = isHonest ? "refusal" : "refusal broken";
    this.element.replaceChildren(
      el("p", { class: "verdict" }, el("strong", {}, isHonest ? "Not enough to go by" : title)),
      el("p", {}, detail),
      ...(diagnosis?.measurements?.length ? [measurements(diagnosis.measurements)] : []),
      ...(suggestions.length ? [el("h3", {}, "What you can do"), el("ul", { class: "suggestions" }, ...suggestions.map((each) => el("li", {}, this.#suggestion(each))))] : []),
      ...(type?.startsWith("/") ? [el("p", { class: "hint" }, el("a", { href: type.slice(1) }, "What this means"), ` (${status} ${problem.code})`)] : []));
    this.element.hidden = false;
  }

  #suggestion(suggestion) {
    const { message, applicability, patch, headers, expected_effect: effect } = suggestion;
    const field = effect?.field && /^add_(.+)$/.exec(suggestion.id)?.[1];
    if (patch?.length) return button(told(message, "Apply"), () => this.onPatch(patch), { class: applicability === "machine_applicable" ? "suggestion sure" : "suggestion" });
    if (headers) return button(told(message, "Apply"), () => this.onHeaders(headers), { class: "suggestion" });
    if (field) return button(told(message, "Fill in"), () => this.onAskFor(field), { class: "suggestion" });
    return el("p", { class: "advice" }, message);
  }
}

function told(message, verb) {
  return [el("span", {}, message), el("b", {}, verb)].reduce((all, part) => (all.append(part), all), document.createDocumentFragment());
}

const NAMES = { best_confidence: "Best confidence", cue_overlap: "Evidence in the cue", match_confidence: "The cue means a stored episode" };

/** The numbers that decided, as bars against what was required. */
function measurements(measured) {
  const shares = measured.filter(({ unit, value }) => !unit && value >= 0 && value <= 1);
  const others = measured.filter((each) => !shares.includes(each));
  const row = ({ name, value, required }) => el("tr", {},
    el("th", { scope: "row" }, NAMES[name] ?? name.replaceAll("_", " ")),
    el("td", { class: "track", "aria-hidden": "true" }, el("span", { class: "span", vars: { from: "0%", size: `${100 * value}%` } }),
      required === null || required === undefined ? null : el("span", { class: "required", vars: { from: `${100 * required}%` } })),
    el("td", { class: "said" }, percent(value), required === null || required === undefined ? "" : ` of ${percent(required)}`));
  return el("table", { class: "measurements" }, el("caption", {}, "The numbers that decided"),
    el("tbody", {}, ...shares.map(row), ...others.map(({ name, value, required, unit }) =>
      el("tr", {}, el("th", { scope: "row" }, name.replaceAll("_", " ")), el("td", {}), el("td", { class: "said" }, `${decimal(value)} ${unit}${required === null || required === undefined ? "" : ` of ${decimal(required)}`}`)))));
}
