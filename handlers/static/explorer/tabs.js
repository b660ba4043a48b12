/** Tabs, as the ARIA pattern has them: arrows go from one to the next, and only the shown one is drawn. */

import { button, el, freshId } from "./dom.js";

export class Tabs {
  /** `views` is `[{title, element, onShow}]`; `onShow` is called whenever the tab is opened. */
  constructor(host, label, views) {
    this.views = views.map((view) => ({ ...view, id: freshId("tab") }));
    this.buttons = this.views.map(({ title, id }, index) =>
      button(title, () => this.open(index), { role: "tab", id, "aria-controls": `${id}-panel` }));
    const list = el("div", { role: "tablist", "aria-label": label, class: "tabs", on: { keydown: (event) => this.#pressed(event) } }, ...this.buttons);
    this.panels = this.views.map(({ id, element }) => el("div", { role: "tabpanel", id: `${id}-panel`, "aria-labelledby": id, tabindex: "0", class: "panel" }, element));
    host.append(list, ...this.panels);
    this.open(0);
  }

  open(index) {
    this.index = index;
    this.buttons.forEach((tab, at) => {
      tab.setAttribute("aria-selected", String(at === index));
      tab.tabIndex = at === index ? 0 : -1;
      this.panels[at].hidden = at !== index;
    });
    this.views[index].onShow?.();
  }

  /** Draw the shown tab anew, because what it shows has changed. */
  refresh() {
    this.open(this.index);
  }

  #pressed(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    this.open((this.index + step + this.buttons.length) % this.buttons.length);
    this.buttons[this.index].focus();
  }
}
