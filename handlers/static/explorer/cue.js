/** What the person knows: fields and values with completion, and how the answer is to be. */

import { combobox } from "./combobox.js";
import { button, el } from "./dom.js";
import { sentence } from "./memory.js";
import { percent, read, text, typed } from "./words.js";

const THRESHOLDS = [0.5, 0.7, 0.8, 0.9, 0.95, 0.99];
// `prior_stored`: how likely it is, before the cue is read, that a stored event is meant.
const MEANINGS = [["", "Let it judge"], ["1", "Something stored: recall it"], ["0", "Something new: predict it"]];
const INCLUDE = ["why", "counterfactual", "ask_next"];

export class CueEditor {
  #rows = [];
  #more = {}; // members of the request that this editor does not show

  constructor(host, { onComplete, onChange }) {
    this.onChange = onChange;
    this.list = el("div", { class: "rows" });
    this.examples = el("div", { class: "examples" });
    this.threshold = el("select", { id: "threshold", on: { change: onChange } });
    this.meaning = el("select", { id: "meaning", on: { change: onChange } }, ...MEANINGS.map(([value, said]) => el("option", { value }, said)));
    this.targets = el("fieldset", { class: "targets" });
    this.submit = el("button", { type: "submit", class: "primary" }, "Complete");
    const form = el("form", { on: { submit: (event) => { event.preventDefault(); onComplete(); } } },
      el("p", { class: "hint" }, "One field is enough. The rest comes from memory."),
      this.list,
      el("div", { class: "actions" }, this.submit, button("Clear", () => this.#clear(), { class: "quiet" })),
      el("details", { class: "settings" }, el("summary", {}, "Settings"),
        el("label", { for: "threshold" }, "How sure must an answer be?"), this.threshold,
        el("label", { for: "meaning" }, "What do you mean?"), this.meaning,
        this.targets),
      this.examples);
    host.append(form);
    this.form = form;
    this.#offerThresholds(undefined);
  }

  /** Take another memory; what was typed for the last one is forgotten. */
  setMemory(memory) {
    this.memory = memory;
    this.request = { partial_episode: { known_fields: {} } };
    const chips = memory.examples().map((cue) => button(sentence(cue), () => this.try(cue), { class: "example" }));
    this.examples.replaceChildren(...(chips.length ? [el("h3", {}, "Try"), ...chips] : []));
  }

  /** Ask with this cue. */
  try(cue) {
    this.request = { ...this.request, partial_episode: { known_fields: cue } };
    this.form.requestSubmit();
  }

  get request() {
    const { config = {}, targets: _, ...more } = this.#more;
    const chosen = {
      ...(this.threshold.value !== "" && { ca1_threshold: Number(this.threshold.value) }),
      ...(this.meaning.value !== "" && { prior_stored: Number(this.meaning.value) }),
    };
    const { ca1_threshold: __, prior_stored: ___, ...others } = config;
    const targets = [...this.targets.querySelectorAll("input:checked")].map((box) => box.value);
    const partial = { ...more.partial_episode, known_fields: this.#known() };
    const settings = { ...others, ...chosen };
    return {
      ...more, partial_episode: partial,
      ...(targets.length && { targets }), ...(Object.keys(settings).length && { config: settings }), include: INCLUDE,
    };
  }

  set request(request) {
    this.#more = structuredClone(request);
    this.#rows = [];
    this.list.replaceChildren();
    for (const [name, value] of Object.entries(request.partial_episode.known_fields ?? {})) this.#add(name, typed(value));
    this.#add();
    this.#offerThresholds(request.config?.ca1_threshold);
    this.meaning.value = String(request.config?.prior_stored ?? "");
    this.#offerTargets(new Set(request.targets));
    this.onChange();
  }

  /** Put the cursor where the value of this field is typed. */
  askFor(name) {
    const row = this.#rows.find((each) => each.name.input.value === name) ?? this.#rows.at(-1);
    row.name.input.value = name;
    this.#grow();
    row.value.input.focus();
    this.form.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  #known() {
    const known = {};
    for (const { name, value } of this.#rows) {
      const field = name.input.value.trim();
      if (field && value.input.value.trim() !== "") known[field] = read(value.input.value, this.memory?.types.get(field));
    }
    return known;
  }

  #add(name = "", value = "") {
    const row = {};
    const changed = () => { this.#grow(); this.onChange(); };
    row.name = combobox({
      label: "Field", placeholder: "field", value: name, onInput: changed, onTake: (taken) => taken && row.value.input.focus(),
      suggest: (fragment) => this.memory?.names(exact(fragment, row, this.memory), this.#taken(row)) ?? [],
    });
    row.value = combobox({
      label: "Value", placeholder: "value", value, onInput: changed, onTake: () => this.form.requestSubmit(),
      suggest: (fragment) => this.memory?.valuesOf(row.name.input.value.trim(), fragment) ?? [],
    });
    const remove = button("×", () => this.#remove(row), { class: "quiet remove", "aria-label": "Remove this field" });
    row.element = el("div", { class: "row", role: "group", "aria-label": "Something known" }, row.name, row.value, remove);
    this.#rows.push(row);
    this.list.append(row.element);
  }

  #grow() {
    if (this.#rows.at(-1).name.input.value.trim() !== "") this.#add();
  }

  #remove(row) {
    const at = this.#rows.indexOf(row);
    this.#rows.splice(at, 1);
    row.element.remove();
    if (!this.#rows.length) this.#add();
    this.#grow();
    this.#rows[Math.min(at, this.#rows.length - 1)].name.input.focus();
    this.onChange();
  }

  #clear() {
    this.request = { partial_episode: { known_fields: {} } };
    this.#rows[0].name.input.focus();
  }

  #taken(except) {
    return new Set(this.#rows.filter((row) => row !== except).map((row) => row.name.input.value.trim()));
  }

  #offerThresholds(chosen) {
    const custom = chosen === undefined || chosen === null || chosen === 0 || THRESHOLDS.includes(chosen) ? [] : [chosen];
    const levels = [...THRESHOLDS, ...custom].sort((one, other) => one - other);
    this.threshold.replaceChildren(
      el("option", { value: "" }, "Its own judgement"), el("option", { value: "0" }, "Answer always, however unsure"),
      ...levels.map((level) => el("option", { value: level }, `At least ${custom.includes(level) ? text(level * 100) + " %" : percent(level)}`)));
    this.threshold.value = chosen === undefined || chosen === null ? "" : String(chosen);
  }

  #offerTargets(wanted) {
    const boxes = (this.memory?.fields ?? []).map(({ name }) =>
      el("label", {}, el("input", { type: "checkbox", value: name, checked: wanted.has(name), on: { change: this.onChange } }), name));
    this.targets.replaceChildren(el("legend", {}, "Only these fields (none chosen: all)"), ...boxes);
  }
}

/** A name that is complete already is no fragment: all names are offered instead. */
function exact(fragment, row, memory) {
  return memory.types.has(fragment.trim()) && document.activeElement === row.name.input ? "" : fragment;
}
