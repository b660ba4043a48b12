/** The completion while it happens: who competes, how the energy falls, what is filled in. */

import { el, svg } from "./dom.js";
import { decimal, many } from "./words.js";

const WIDTH = 220;
const HEIGHT = 44;

export class Dynamics {
  #energies = [];

  constructor(host) {
    this.element = el("div", { class: "dynamics", hidden: true });
    host.append(this.element);
  }

  /** Forget the last completion and begin. */
  begin(targets) {
    this.#energies = [];
    this.targets = targets;
    this.filled = 0;
    this.candidates = figure("Still competing", "…", "");
    this.energy = figure("Energy", "…", "");
    this.chart = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart", "aria-hidden": "true" });
    this.energy.body.append(this.chart);
    this.split = el("div", { class: "split", "aria-hidden": "true" });
    this.candidates.body.append(this.split);
    this.fields = figure("Filled in", "0", `of ${many(targets, "field")}`);
    this.progress = el("progress", { max: targets || 1, value: 0, "aria-label": "Fields filled in" });
    this.fields.body.append(this.progress);
    this.element.replaceChildren(this.candidates.element, this.energy.element, this.fields.element);
    this.element.hidden = false;
  }

  retrieved({ episodes, candidates, from_recollection: recalled }) {
    this.episodes = episodes || 1;
    this.retrieval = `of ${many(episodes, "episode")}; the cue speaks for ${recalled.toLocaleString("en")}`;
    this.candidates.tell(candidates.toLocaleString("en"), this.retrieval);
    const share = (count) => `${(100 * count) / this.episodes}%`;
    this.split.replaceChildren(
      el("span", { class: "spoken-for", vars: { share: share(recalled) } }),
      el("span", { class: "of-its-kind", vars: { share: share(candidates - recalled) } }));
  }

  fill(count) {
    this.filled += count;
    this.fields.tell(String(this.filled), `of ${many(this.targets, "field")}`);
    this.progress.value = this.filled;
  }

  sweep({ iteration, energy, converged, competing }) {
    this.#energies.push(energy);
    this.#narrow(competing);
    this.energy.tell(`${decimal(energy)} nats`, converged ? `settled after ${many(iteration, "sweep")}` : `sweep ${iteration}`);
    this.#draw(converged);
  }

  /** Who still competes, by the weights that the sweep left. */
  #narrow(competing) {
    this.candidates.tell(competing < 10 ? competing.toFixed(1) : Math.round(competing).toLocaleString("en"), this.retrieval);
    this.split.replaceChildren(el("span", { class: "spoken-for", vars: { share: `${(100 * competing) / this.episodes}%` } }));
  }

  #draw(isSettled) {
    const [first] = this.#energies;
    const lowest = Math.min(...this.#energies);
    const span = first - lowest || 1;
    const x = (index) => 6 + (index * (WIDTH - 12)) / Math.max(this.#energies.length - 1, 1);
    const y = (energy) => 8 + ((first - energy) / span) * (HEIGHT - 16);
    const points = this.#energies.map((energy, index) => `${x(index).toFixed(1)},${y(energy).toFixed(1)}`);
    const [endX, endY] = points.at(-1).split(",");
    this.chart.replaceChildren(
      svg("polyline", { points: points.join(" "), class: "line" }),
      ...points.map((point) => svg("circle", { cx: point.split(",")[0], cy: point.split(",")[1], r: 2.5, class: "dot" })),
      svg("circle", { cx: endX, cy: endY, r: 5, class: isSettled ? "end settled" : "end" }));
  }
}

/** A figure with its name, a number and what the number means. */
function figure(name, number, meaning) {
  const value = el("strong", {}, number);
  const note = el("span", { class: "meaning" }, meaning);
  const body = el("div", { class: "drawing" });
  const element = el("div", { class: "figure" }, el("h3", {}, name), value, note, body);
  return { element, body, tell(told, meant) { value.textContent = told; note.textContent = meant; } };
}
