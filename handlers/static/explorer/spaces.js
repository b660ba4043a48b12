/** Which memory is asked: choose a space, or make one of a file. */

import { button, el } from "./dom.js";
import { many } from "./words.js";

export class SpacePicker {
  constructor(host, { onChoose, onFile }) {
    this.select = el("select", { id: "space", "aria-label": "Memory space", on: { change: () => onChoose(this.select.value) } });
    this.size = el("span", { class: "size" });
    host.append(this.select, this.size, button("From a file …", onFile, { id: "from-file" }));
  }

  /** Offer the spaces; which one is open is shown once it is. */
  offer(spaces) {
    this.select.replaceChildren(...spaces.map(({ space_id: id }) => el("option", { value: id }, id)));
    this.select.value = "";
    this.size.textContent = "";
  }

  show({ id, stats }) {
    this.select.value = id;
    this.size.textContent = `${many(stats.episodes, "episode")}, ${many(stats.fields.length, "field")}`;
  }
}
