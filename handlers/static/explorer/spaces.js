/** Which memory is asked: choose a space, or make one of a file. */

import { el } from "./dom.js";
import { many } from "./words.js";

export class SpacePicker {
  constructor(host, { onChoose }) {
    this.select = el("select", { id: "space", "aria-label": "Memory space", on: { change: () => onChoose(this.select.value) } });
    this.size = el("span", { class: "size" });
    host.append(this.select, this.size);
  }

  offer(spaces, chosen) {
    this.select.replaceChildren(...spaces.map(({ space_id: id }) => el("option", { value: id }, id)));
    this.select.value = chosen ?? "";
  }

  show({ stats }) {
    this.size.textContent = `${many(stats.episodes, "episode")}, ${many(stats.fields.length, "field")}`;
  }
}
