/** Cells that are probably wrong: found by asking every cell of a memory that lacks it. */

import { button, el } from "./dom.js";
import { fill, finished, progressBar } from "./panel.js";
import { card } from "./why.js";
import { many, percent, text } from "./words.js";

const KINDS = { typo: "a typing error", elsewhere: "a value of another field", other: "does not fit" };

export class AuditView {
  constructor() {
    this.element = el("div", {});
  }

  show(memory, api) {
    const begin = () => this.#begin(memory, api);
    fill(this.element, "Reading …", async () => {
      const audit = await api.get("audit", { space: memory.id, query: { limit: 50 } });
      if (audit.status !== "succeeded") return [el("p", {}, "Every cell can be asked of the rest of the memory. What does not fit is listed, with what it should probably be. Nothing stored is changed."), button("Look for wrong cells", begin, { class: "primary" })];
      return found(audit, memory, api, begin);
    });
  }

  async #begin(memory, api) {
    const { element, tell } = progressBar("Asking every cell of the rest …");
    this.element.replaceChildren(element);
    try {
      await api.post("audit", {}, { space: memory.id });
      const job = await finished(api, "audit", memory.id, tell);
      if (job.status === "failed") throw new Error(job.problem?.detail ?? "The audit failed.");
      this.show(memory, api);
    } catch (error) {
      this.element.replaceChildren(el("p", { role: "alert" }, error.message), button("Try again", () => this.#begin(memory, api)));
    }
  }
}

function found(audit, memory, api, again) {
  const head = el("p", {}, el("b", {}, audit.suspects ? many(audit.suspects, "cell") + (audit.suspects === 1 ? " is" : " are") : "No cell is"),
    ` probably wrong, of ${many(audit.cells, "cell")} in ${many(audit.episodes, "episode")}.`);
  const duplicates = (audit.groups ?? []).filter(({ differs_in: field }) => !field).length;
  const contradictions = (audit.groups ?? []).length - duplicates;
  const groups = el("p", { class: "hint" }, `${many(duplicates, "group")} of episodes that say the same; ${many(contradictions, "group")} that differ in one field only.`);
  return [head, audit.items.length ? table(audit.items, memory, api) : null, groups, button("Look again", again)].filter(Boolean);
}

function table(items, memory, api) {
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Cells that are probably wrong" }, el("table", { class: "numbers audit" },
    el("thead", {}, el("tr", {}, ...["Field", "Stored", "Probably", "Chance of being wrong", "Looks like", "Episode"].map((each) => el("th", { scope: "col" }, each)))),
    el("tbody", {}, ...items.flatMap((item) => rows(item, memory, api)))));
}

function rows({ episode_id: id, field, value, chance, kind, proposed, proposed_chance: sure }, memory, api) {
  const detail = el("tr", { hidden: true });
  const toggle = button(id, async () => {
    detail.hidden = !detail.hidden;
    toggle.setAttribute("aria-expanded", String(!detail.hidden));
    if (detail.hidden || detail.children.length) return;
    const cell = el("td", { colspan: 6, class: "episode" });
    detail.append(cell);
    fill(cell, "Reading …", async () => card(await api.get(`episodes/${encodeURIComponent(id)}`, { space: memory.id }), field));
  }, { class: "quiet", "aria-expanded": "false" });
  return [el("tr", {}, el("th", { scope: "row" }, field), el("td", { class: "wrong" }, text(value)),
    el("td", {}, proposed === undefined ? "not known" : el("b", {}, text(proposed)), proposed === undefined ? "" : ` ${percent(sure)}`),
    el("td", {}, percent(chance)), el("td", {}, KINDS[kind] ?? kind), el("td", {}, toggle)), detail];
}
