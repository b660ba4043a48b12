/** How far the confidences can be believed: the reliability diagram of answers that were judged, or of cells held out. */

import { button, el, svg } from "./dom.js";
import { fill, finished, progressBar } from "./panel.js";
import { many, percent } from "./words.js";

const SIZE = 320;
const MARGIN = 38; // left and below, for the numbers
const RIM = 18; // right and above

export class ReliabilityView {
  constructor() {
    this.element = el("div", {});
  }

  show(memory, api) {
    const measure = () => this.#measure(memory, api);
    fill(this.element, "Reading …", async () => {
      const [calibration, evaluation] = await Promise.all([api.get("calibration", { space: memory.id }), api.get("evaluation", { space: memory.id })]);
      if (evaluation.status === "succeeded" && evaluation.overall.bins.length) return measured(evaluation, measure);
      if (calibration.status === "fitted") return judged(calibration, measure);
      return [
        el("p", {}, "An answer that is 80 % sure should be right 8 times of 10. Whether that holds here can be measured: cells are held out, asked of the rest, and counted."),
        button("Measure it", measure, { class: "primary" }),
      ];
    });
  }

  async #measure(memory, api) {
    const { element, tell } = progressBar("Holding cells out and asking for them …");
    this.element.replaceChildren(element);
    try {
      await api.post("evaluation", { cases: 100 }, { space: memory.id });
      const job = await finished(api, "evaluation", memory.id, tell);
      if (job.status === "failed") throw new Error(job.problem?.detail ?? "The evaluation failed.");
      this.show(memory, api);
    } catch (error) {
      this.element.replaceChildren(el("p", { role: "alert" }, error.message), button("Try again", () => this.#measure(memory, api)));
    }
  }
}

function measured({ overall, fields, episodes }, again) {
  return [
    el("div", { class: "reliability" },
      figure(overall.bins, `${many(overall.cases, "held-out cell")} of ${many(episodes, "episode")}`),
      el("div", {},
        facts([
          ["Right", percent(overall.accuracy), `the commonest value alone: ${percent(overall.base_rate)}; ten neighbours: ${percent(overall.neighbours_accuracy)}`],
          ["Sure on average", percent(overall.mean_confidence), overall.ece === null ? "" : `off by ${percent(overall.ece)} on average`],
          [`Answerable at ${percent(overall.accuracy_kept ?? 0)} right`, percent(overall.coverage), `those at least ${percent(overall.threshold)} sure`],
        ]),
        fieldTable(fields), button("Measure again", again))),
  ];
}

function judged(calibration, measure) {
  return [el("div", { class: "reliability" },
    figure(calibration.bins, `${many(calibration.n, "answer")}, ${calibration.feedback} of them judged by feedback`),
    el("div", {}, facts([["Off by", percent(calibration.ece), "on average, confidence against share right"]]), button("Measure with held-out cells", measure, { class: "primary" })))];
}

function facts(entries) {
  return el("dl", { class: "facts-list" }, ...entries.map(([name, number, note]) => el("div", {}, el("dt", {}, name), el("dd", {}, el("strong", {}, number), " ", el("span", { class: "hint" }, note)))));
}

function fieldTable(fields) {
  const row = ({ field, quality }) => el("tr", {}, el("th", { scope: "row" }, field), el("td", {}, percent(quality.accuracy)), el("td", {}, percent(quality.base_rate)), el("td", {}, percent(quality.mean_confidence)), el("td", {}, quality.cases.toLocaleString("en")));
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "By field" }, el("table", { class: "numbers" }, el("caption", {}, "By field"),
    el("thead", {}, el("tr", {}, ...["Field", "Right", "Commonest value", "Sure", "Cells"].map((each) => el("th", { scope: "col" }, each)))), el("tbody", {}, ...fields.map(row))));
}

/** The diagram: how sure against how often right. On the diagonal the confidences hold; a dot's area is its number of answers. */
function figure(bins, subject) {
  const at = (share) => MARGIN + share * (SIZE - MARGIN - RIM);
  const up = (share) => SIZE - MARGIN - share * (SIZE - MARGIN - RIM);
  const most = Math.max(...bins.map(({ n }) => n));
  const said = bins.map(({ confidence, accuracy, n }) => `${percent(confidence)} sure: ${percent(accuracy)} right of ${n}`).join("; ");
  const tick = (share) => [
    svg("line", { x1: at(share), x2: at(share), y1: up(0), y2: up(1), class: "grid" }), svg("line", { x1: at(0), x2: at(1), y1: up(share), y2: up(share), class: "grid" }),
    svg("text", { x: at(share), y: SIZE - MARGIN + 16, "text-anchor": "middle" }, percent(share)), svg("text", { x: MARGIN - 6, y: up(share) + 4, "text-anchor": "end" }, percent(share)),
  ];
  const drawing = svg("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, class: "diagram", role: "img", "aria-label": `Reliability diagram. ${said}.` },
    ...[0, 0.25, 0.5, 0.75, 1].flatMap(tick), svg("line", { x1: at(0), y1: up(0), x2: at(1), y2: up(1), class: "ideal" }),
    svg("polyline", { points: bins.map(({ confidence, accuracy }) => `${at(confidence)},${up(accuracy)}`).join(" "), class: "line" }),
    ...bins.map(({ confidence, accuracy, n }) => svg("circle", { cx: at(confidence), cy: up(accuracy), r: 2 + 5 * Math.sqrt(n / most), class: "dot" })),
    svg("text", { x: at(0.5), y: SIZE - 4, "text-anchor": "middle", class: "axis" }, "how sure"),
    svg("text", { x: at(0), y: 10, "text-anchor": "middle", class: "axis" }, "right"));
  return el("figure", { class: "diagram-figure" }, el("figcaption", {}, el("b", {}, "How often answers were right"), ` · ${subject}. On the dashed line, confidence and share right agree.`), drawing);
}
