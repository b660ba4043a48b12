/** A text field with suggestions, as the ARIA combobox pattern has it: arrows choose, Enter takes, Escape closes. */

import { el, freshId } from "./dom.js";

const MOST = 8;

/**
 * `suggest(typed)` gives `[{value, note}]`, best first; `onTake` is called when one was taken or Enter was pressed,
 * `onInput` whenever the text changes. Returns the wrapper; its `input` is the field.
 */
export function combobox({ label, value = "", placeholder = "", suggest, onInput, onTake }) {
  const listId = freshId("choices");
  const list = el("ul", { id: listId, role: "listbox", "aria-label": `Suggestions for ${label}`, class: "choices", hidden: true });
  const input = el("input", {
    type: "text", value, placeholder, "aria-label": label, role: "combobox", autocomplete: "off", autocapitalize: "none",
    spellcheck: "false", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": listId,
  });
  let choices = [];
  let active = -1;

  function open() {
    choices = suggest(input.value).slice(0, MOST);
    active = -1;
    list.replaceChildren(...choices.map(option));
    show(choices.length > 0);
  }

  function option(choice, index) {
    const take = (event) => { event.preventDefault(); pick(index); };
    const note = choice.note ? el("span", { class: "note" }, choice.note) : null;
    return el("li", { id: `${listId}-${index}`, role: "option", "aria-selected": "false", on: { pointerdown: take } }, el("span", {}, choice.value), note);
  }

  function show(isOpen) {
    list.hidden = !isOpen;
    input.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) input.removeAttribute("aria-activedescendant");
  }

  function mark(index) {
    active = (index + choices.length) % choices.length;
    [...list.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === active)));
    input.setAttribute("aria-activedescendant", `${listId}-${active}`);
    list.children[active].scrollIntoView({ block: "nearest" });
  }

  function pick(index) {
    input.value = choices[index].value;
    show(false);
    onInput(input.value);
    onTake(input.value);
  }

  function pressed(event) {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      if (list.hidden) open();
      if (choices.length) mark(active < 0 && step < 0 ? choices.length - 1 : active + step);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (!list.hidden && active >= 0) pick(active);
      else { show(false); onTake(input.value); }
    } else if (event.key === "Escape" && !list.hidden) {
      event.stopPropagation();
      show(false);
    }
  }

  input.addEventListener("input", () => { onInput(input.value); open(); });
  input.addEventListener("focus", open);
  input.addEventListener("click", () => list.hidden && open());
  input.addEventListener("blur", () => show(false));
  input.addEventListener("keydown", pressed);
  const wrapper = el("div", { class: "combobox" }, input, list);
  return Object.assign(wrapper, { input });
}
