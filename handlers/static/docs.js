/** Swagger UI on this server's contract: code beside every operation, colours as the system has them. */

const ORIGIN_IN_SAMPLES = "http://127.0.0.1:8080";

function followColours() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", follow);
  follow();
}

/** Swagger UI fills every field with its example. An optional header or filter must not be sent because nobody cleared it. */
function withoutOptionalExamples(contract) {
  const { parameters, schemas } = contract.components;
  for (const parameter of Object.values(parameters)) {
    if (parameter.required) continue;
    const reference = parameter.schema.$ref?.split("/").pop();
    parameter.schema = { ...(reference ? schemas[reference] : parameter.schema) };
    delete parameter.example;
    delete parameter.schema.example;
  }
  return contract;
}

/** The samples of an operation, one language at a time. */
function samplesPlugin({ React }) {
  const { createElement: element, useState } = React;

  function Samples({ samples }) {
    const [shown, show] = useState(0);
    const [note, tell] = useState("Copy");
    const source = samples[shown].source.replaceAll(ORIGIN_IN_SAMPLES, new URL(".", location.href).href.replace(/\/$/, ""));
    const copy = () => navigator.clipboard.writeText(source).then(() => tell("Copied"));
    const choose = (index) => () => { show(index); tell("Copy"); };
    return element("div", { className: "samples" },
      element("div", { className: "choices", role: "group", "aria-label": "Code in" },
        samples.map(({ label }, index) => element("button", { key: label, type: "button", "aria-pressed": index === shown, onClick: choose(index) }, label)),
        element("button", { type: "button", className: "copy", onClick: copy }, note)),
      element("pre", { tabIndex: 0 }, element("code", null, source)));
  }

  const beside = (Parameters) => (properties) => {
    const samples = properties.operation.get("x-codeSamples")?.toJS() ?? [];
    return element(React.Fragment, null, samples.length ? element(Samples, { samples }) : null, element(Parameters, properties));
  };
  return { wrapComponents: { parameters: beside } };
}

async function open() {
  followColours();
  const contract = await (await fetch("openapi.json")).json();
  window.ui = SwaggerUIBundle({
    spec: withoutOptionalExamples(contract),
    dom_id: "#swagger-ui",
    plugins: [samplesPlugin],
    deepLinking: true,
    displayRequestDuration: true,
    persistAuthorization: true,
    tryItOutEnabled: true,
    defaultModelsExpandDepth: 0,
    requestSnippetsEnabled: true,
    validatorUrl: null,
  });
}

open();
