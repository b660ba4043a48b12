/** The stage: one completion from the question to the answer or the refusal. */

import { AnswerView } from "./answer.js";
import { button, el } from "./dom.js";
import { Dynamics } from "./dynamics.js";
import { RefusalView } from "./refusal.js";
import { WhyView } from "./why.js";

const PAUSE_MS = { pattern_retrieval: 350, partial_result: 160, ca3_progress: 160 };
const LONGEST_MS = 2400; // of all pauses of one completion together

export class Stage {
  constructor(host, api, { onPatch, onAskFor, onHeaders }) {
    Object.assign(this, { host, api });
    this.status = el("p", { class: "visually-hidden", role: "status" });
    this.empty = el("div", { class: "empty" });
    host.append(this.status, this.empty);
    this.dynamics = new Dynamics(host);
    this.refusal = new RefusalView(host, { onPatch, onAskFor, onHeaders });
    const result = el("div", { class: "result" });
    host.append(result);
    this.answer = new AnswerView(result, { onChoose: (name) => this.#explain(name, true) });
    this.why = new WhyView(result, api);
    this.foot = el("p", { class: "hint foot" });
    host.append(this.foot);
  }

  /** Nothing was asked yet. */
  clear(memory, onTry) {
    this.running?.abort();
    this.refusal.hide();
    this.answer.hide();
    this.why.hide();
    this.dynamics.element.hidden = true;
    this.foot.textContent = "";
    const [cue] = memory?.examples(1) ?? [];
    this.empty.replaceChildren(
      el("p", { class: "lead" }, "Give it the part you know. It brings back the whole."),
      el("ol", { class: "steps" },
        el("li", {}, el("b", {}, "Say what you know, "), "one field or several, on the left."),
        el("li", {}, el("b", {}, "Watch it remember: "), "episodes compete, the energy falls, fields fill in."),
        el("li", {}, el("b", {}, "Ask why: "), "every field has its source, its confidence and its episodes.")),
      ...(cue ? [button("Show me an example", () => onTry(cue), { class: "primary" })] : memory ? [el("p", {}, "This space is empty. Bring it a file, then ask.")] : []));
    this.empty.hidden = false;
  }

  /** Ask, and show what happens while it happens. */
  async ask(memory, request) {
    this.running?.abort();
    const run = (this.running = new AbortController());
    const known = request.partial_episode.known_fields;
    const targets = (request.targets ?? memory.fields.map(({ name }) => name)).filter((name) => !(name in known));
    this.#begin(known, targets);
    const { top } = this.host.getBoundingClientRect();
    if (top < 0 || top > innerHeight * 0.6) this.host.scrollIntoView({ block: "start" });
    const pace = new Pace(run.signal);
    try {
      for await (const { event, data } of this.api.stream(memory.id, request, run.signal)) {
        await pace.step(event);
        if (run.signal.aborted) return;
        this.#tell(event, data, { memory, request, targets, known, pace });
      }
    } catch (error) {
      if (error.name === "AbortError" || run.signal.aborted) return;
      this.#refuse(error.body ?? { status: 0, title: "The page failed", detail: String(error) });
    }
  }

  #begin(known, targets) {
    this.empty.hidden = true;
    this.refusal.hide();
    this.why.hide();
    this.foot.textContent = "";
    this.status.textContent = "Remembering …";
    this.dynamics.begin(targets.length);
    this.answer.begin(known, targets);
  }

  #tell(event, data, { memory, request, targets, known, pace }) {
    if (event === "pattern_retrieval") {
      if (this.dynamics.filled) this.#begin(known, targets); // a write came between: it all begins anew
      this.dynamics.retrieved(data);
    } else if (event === "partial_result") {
      data.fields.forEach((field) => this.answer.fill(field));
      this.dynamics.fill(data.fields.length);
    } else if (event === "ca3_progress") this.dynamics.sweep(data);
    else if (event === "final_result") this.#complete(data, memory, request, pace);
    else if (event === "problem") this.#refuse(data);
  }

  #complete(answer, memory, request, pace) {
    this.shown = { answer, memory, request };
    this.answer.show(answer);
    const first = Object.keys(answer.source_attribution).find((name) => answer.source_attribution[name].source !== "given");
    this.status.textContent = `Completed: ${Object.keys(answer.completed_episode.fields).length} fields.`;
    if (first) this.#explain(first);
    const { timings_ms: timings = {} } = answer.reconstruction_stats;
    const took = Object.values(timings).reduce((sum, each) => sum + each, 0);
    const slowed = pace.spent > 50 ? " The page shows it slower, so that it can be seen." : "";
    this.foot.textContent = `The service took ${took < 10 ? took.toFixed(1) : Math.round(took)} ms.${slowed}`;
  }

  #refuse(problem) {
    this.answer.hide();
    this.why.hide();
    if (!this.dynamics.filled && problem.status !== 422) this.dynamics.element.hidden = true;
    this.refusal.show(problem);
    this.status.textContent = "";
  }

  #explain(name, isAsked = false) {
    this.answer.mark(name);
    this.why.show(name, this.shown.answer, this.shown.request, this.shown.memory);
    if (isAsked && this.why.element.getBoundingClientRect().top > innerHeight * 0.8) this.why.element.scrollIntoView({ block: "start" });
  }
}

/** Pauses between events, short and bounded, none for those who want no motion. */
class Pace {
  spent = 0;

  constructor(signal) {
    this.signal = signal;
    this.isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  }

  async step(event) {
    const pause = this.isStill ? 0 : Math.min(PAUSE_MS[event] ?? 0, LONGEST_MS - this.spent);
    if (pause <= 0 || this.signal.aborted) return;
    this.spent += pause;
    await new Promise((resolve) => { setTimeout(resolve, pause); });
  }
}
