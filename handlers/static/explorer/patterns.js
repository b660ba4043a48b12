/** The regularities that a space has learned, in words and numbers; each can be asked. */

import { button, el } from "./dom.js";
import { fill, finished, progressBar } from "./panel.js";
import { decimal, percent } from "./words.js";
import { sentence } from "./memory.js";

const SHOWN = 12;

export class PatternsView {
  constructor({ onTry }) {
    this.onTry = onTry;
    this.element = el("div", {});
  }

  show(memory, api) {
    fill(this.element, "Reading …", async () => {
      const { items } = await api.get("patterns", { space: memory.id, query: { limit: 200 } });
      if (items.length) return this.#draw(items);
      const { status } = await api.get("consolidation", { space: memory.id });
      if (status === "queued" || status === "running") return this.#follow(memory, api);
      return [el("p", {}, "Nothing is learned yet. A space learns by itself as it grows, or when it is asked to:"), button("Learn now", () => this.#learn(memory, api), { class: "primary" })];
    });
  }

  #learn(memory, api) {
    fill(this.element, "Learning …", async () => {
      await api.post("consolidate", {}, { space: memory.id });
      return this.#follow(memory, api);
    });
  }

  /** Its bar while it learns, then what it learned. */
  #follow(memory, api) {
    const { element, tell } = progressBar("Learning what holds …");
    const turn = this.element.turn;
    finished(api, "consolidation", memory.id, tell).then(() => this.element.turn === turn && this.show(memory, api), () => {});
    return [element];
  }

  #draw(items) {
    const list = el("ul", { class: "patterns" }, ...items.slice(0, SHOWN).map((each) => this.#pattern(each)));
    const rest = items.slice(SHOWN);
    const more = button(`Show ${rest.length} more`, () => { list.append(...rest.map((each) => this.#pattern(each))); more.remove(); });
    return [el("p", { class: "hint" }, "What holds more often than chance would have it, the strongest first."), list, rest.length ? more : null].filter(Boolean);
  }

  #pattern({ given, then, support, lift, probability }) {
    return el("li", {},
      el("div", { class: "rule" }, el("b", {}, sentence(given)), el("span", { class: "arrow", "aria-label": "then" }, "→"), el("b", {}, sentence(then))),
      el("span", { class: "meter", "aria-hidden": "true", vars: { share: `${100 * probability}%` } }),
      el("span", { class: "said" }, `${percent(probability)}, ${support} episodes, × ${decimal(Number(lift.toPrecision(2)))}`),
      button("Ask", () => this.onTry(given), { "aria-label": `Ask with ${sentence(given)}` }));
  }
}
