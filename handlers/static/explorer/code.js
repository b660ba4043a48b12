/** The exact request of the page as a program would send it. */

import { button, el } from "./dom.js";

const ROOT = new URL("api/v1", document.baseURI).href;
const GRPC = `${location.hostname}:50051`;

export const LANGUAGES = {
  curl: ({ space, request, hasKey }) => [
    `curl -s '${ROOT}/complete?verbose=true' \\`,
    ...(hasKey ? [`  -H "Authorization: Bearer $RECOLLECT_KEY" \\`] : []),
    `  -H 'X-Memory-Space: ${space}' -H 'Content-Type: application/json' \\`,
    `  -d ${quoted(JSON.stringify(request))}`,
  ].join("\n"),
  Python: ({ space, request, hasKey }) => [
    ...(hasKey ? ["import os", ""] : []),
    "from recollect_sdk import Recollect", "",
    `service = Recollect(${JSON.stringify(ROOT.replace(/\/api\/v1$/, ""))}${hasKey ? `, key=os.environ["RECOLLECT_KEY"]` : ""})`,
    `answer = service.space(${JSON.stringify(space)}).complete_request(${python(request)})`,
    "for name, field in answer.items():", "    print(name, field.value, field.confidence, field.source)",
  ].join("\n"),
  TypeScript: ({ space, request, hasKey }) => [
    `import { Recollect } from "recollect-sdk";`, "",
    `const service = new Recollect({ url: ${JSON.stringify(ROOT.replace(/\/api\/v1$/, ""))}${hasKey ? ", key: process.env.RECOLLECT_KEY" : ""} });`,
    `const answer = await service.space(${JSON.stringify(space)}).completeRequest(${JSON.stringify(request, null, 2)});`,
    "console.log(answer);",
  ].join("\n"),
  grpcurl: ({ space, request, hasKey }) => [
    `grpcurl -plaintext -H 'x-memory-space: ${space}' \\`,
    ...(hasKey ? [`  -H "authorization: Bearer $RECOLLECT_KEY" \\`] : []),
    `  -d ${quoted(JSON.stringify(message(request)))} \\`,
    `  ${GRPC} recollect.v1.CompletionService/Complete`,
  ].join("\n"),
};

export class CodeView {
  constructor() {
    this.language = "curl";
    this.tabs = el("div", { class: "languages", role: "group", "aria-label": "Language" }, ...Object.keys(LANGUAGES).map((language) =>
      button(language, () => { this.language = language; this.#draw(); }, { "data-language": language })));
    this.source = el("code", {});
    this.copied = el("span", { role: "status", class: "hint" });
    this.element = el("div", {}, el("p", { class: "hint" }, "The request as it stands above, ready to run."), el("div", { class: "code-head" }, this.tabs, button("Copy", () => this.#copy()), this.copied), el("pre", { tabindex: "0" }, this.source));
  }

  show(asked) {
    this.asked = asked;
    this.#draw();
  }

  #draw() {
    this.source.textContent = this.asked ? LANGUAGES[this.language](this.asked) : "";
    for (const tab of this.tabs.children) tab.setAttribute("aria-pressed", String(tab.dataset.language === this.language));
    this.copied.textContent = "";
  }

  async #copy() {
    await navigator.clipboard.writeText(this.source.textContent);
    this.copied.textContent = "Copied.";
  }
}

/** As one word of a POSIX shell. */
function quoted(word) {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** JSON as a Python literal. */
function python(value) {
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (value && typeof value === "object") return `{${Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${python(each)}`).join(", ")}}`;
  return value === null ? "None" : value === true ? "True" : value === false ? "False" : JSON.stringify(value);
}

/** The request as the gRPC message in protobuf's JSON. */
function message({ partial_episode: { known_fields: known = {}, ...partial }, include = [], ...rest }) {
  const fields = Object.entries(known).map(([name, value]) => ({ name, value: Array.isArray(value) ? { list: { values: value.map(scalar) } } : scalar(value) }));
  return { partial_episode: { known_fields: fields, ...partial }, ...rest, verbose: true, include: include.map((each) => `INCLUSION_${each.toUpperCase()}`) };
}

function scalar(value) {
  if (typeof value === "boolean") return { boolean: value };
  if (typeof value === "number") return Number.isSafeInteger(value) ? { integer: value } : { real: value };
  return { text: value };
}
