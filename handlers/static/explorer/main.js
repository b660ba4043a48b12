/** The explorer: one page that shows a memory at work. This module puts the parts together. */

import { Api, Problem } from "./api.js";
import { AuditView } from "./audit.js";
import { CodeView } from "./code.js";
import { CueEditor } from "./cue.js";
import { button, el } from "./dom.js";
import { EpisodesView } from "./episodes.js";
import { ImportDialog } from "./importing.js";
import { Memory } from "./memory.js";
import { apply } from "./patch.js";
import { PatternsView } from "./patterns.js";
import { ReliabilityView } from "./reliability.js";
import { SpacePicker } from "./spaces.js";
import { Stage } from "./stage.js";
import { Tabs } from "./tabs.js";
import { followTheme } from "./theme.js";

const api = new Api();
const at = (id) => document.getElementById(id);
let memory = null;

const picker = new SpacePicker(at("spaces"), { onChoose: open, onFile: () => importing.open() });
const cue = new CueEditor(at("cue"), { onComplete: complete, onChange: tellCode });
const stage = new Stage(at("stage"), api, {
  onPatch: (patch) => { cue.request = apply(cue.request, patch); complete(); },
  onAskFor: (name) => cue.askFor(name),
  onHeaders: (headers) => headers["X-Memory-Space"] && open(headers["X-Memory-Space"]),
});
const code = new CodeView();
const importing = new ImportDialog(api, { onMade: start });
const shown = (title, view) => ({ title, element: view.element, onShow: () => memory && view.show(memory, api) });
const deeper = new Tabs(at("deeper"), "Look deeper", [
  { title: "This request as code", element: code.element },
  shown("What it learned", new PatternsView({ onTry: (known) => cue.try(known) })),
  shown("How far to trust it", new ReliabilityView()),
  shown("Suspicious cells", new AuditView()),
  shown("Episodes", new EpisodesView()),
]);

followTheme(at("theme"));
at("open-key").addEventListener("click", askForKey);
stage.clear(null);
start();

/** Read the spaces and open one: the wanted one, else `demo`, else the first. */
async function start(wanted = "demo") {
  try {
    const spaces = await api.all("spaces");
    const first = spaces.find(({ space_id: id }) => id === wanted) ?? spaces[0];
    picker.offer(spaces);
    notice();
    if (first) await open(first.space_id);
    else notice("There is no memory yet. Bring a file to make one.", button("From a file …", () => importing.open(), { class: "primary" }));
  } catch (error) {
    fail(error);
  }
}

async function open(id) {
  try {
    memory = await Memory.open(api, id);
    picker.show(memory);
    cue.setMemory(memory);
    stage.clear(memory, (example) => cue.try(example));
    tellCode();
    deeper.refresh();
  } catch (error) {
    fail(error);
  }
}

function complete() {
  if (!memory) return;
  tellCode();
  stage.ask(memory, cue.request);
}

function tellCode() {
  if (memory) code.show({ space: memory.id, request: cue.request, hasKey: Boolean(api.key) });
}

function fail(error) {
  if (!(error instanceof Problem)) throw error;
  if (error.body.status === 401) askForKey();
  else notice(error.message, button("Try again", () => start()));
}

/** Ask for a key; it is kept in this page's memory alone. */
function askForKey() {
  const input = el("input", { type: "password", id: "key", autocomplete: "off", spellcheck: "false" });
  const use = (event) => { event.preventDefault(); api.key = input.value.trim(); start(); };
  notice(el("form", { class: "key-form", on: { submit: use } }, el("label", { for: "key" }, "API key (kept in this page only, gone when you leave)"), input, el("button", { type: "submit", class: "primary" }, "Use")));
  input.focus();
}

function notice(...content) {
  at("notice").replaceChildren(...content);
}
