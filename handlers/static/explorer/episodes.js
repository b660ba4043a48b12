/** What is stored, page by page. */

import { button, el } from "./dom.js";
import { fill } from "./panel.js";
import { text } from "./words.js";

const PAGE = 20;

export class EpisodesView {
  constructor() {
    this.element = el("div", {});
  }

  show(memory, api) {
    fill(this.element, "Reading …", async () => {
      const columns = memory.fields.slice(0, 12).map(({ name }) => name);
      const body = el("tbody", {});
      const more = button("Show more", () => load(more.cursor));
      const load = async (cursor) => {
        const page = await api.get("episodes", { space: memory.id, query: { limit: PAGE, ...(cursor && { cursor }) } });
        body.append(...page.items.map(({ id, fields }) => el("tr", {}, el("th", { scope: "row" }, el("code", {}, id)), ...columns.map((name) => el("td", {}, name in fields ? text(fields[name]) : "")))));
        more.cursor = page.next_cursor;
        more.hidden = !page.next_cursor;
      };
      await load(null);
      if (!body.children.length) return [el("p", {}, "This space is empty.")];
      return [el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Episodes" }, el("table", { class: "numbers" },
        el("thead", {}, el("tr", {}, ...["Episode", ...columns].map((name) => el("th", { scope: "col" }, name)))), body)), more];
    });
  }
}
