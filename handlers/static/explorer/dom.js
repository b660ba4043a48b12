/** Building elements. Text goes in as text, never as markup: what a memory holds cannot become code. */

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element: `on` takes listeners, `vars` CSS variables; everything else is an attribute. */
export function el(name, properties = {}, ...children) {
  return furnish(document.createElement(name), properties, children);
}

/** An SVG element, furnished in the same way. */
export function svg(name, properties = {}, ...children) {
  return furnish(document.createElementNS(SVG, name), properties, children);
}

function furnish(element, { on = {}, vars = {}, ...attributes }, children) {
  for (const [event, listener] of Object.entries(on)) element.addEventListener(event, listener);
  for (const [name, value] of Object.entries(vars)) element.style.setProperty(`--${name}`, value);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A button that never submits. */
export function button(label, onClick, properties = {}) {
  return el("button", { type: "button", on: { click: onClick }, ...properties }, label);
}

/** An id that no other element of the page has. */
export function freshId(stem) {
  freshId.count = (freshId.count ?? 0) + 1;
  return `${stem}-${freshId.count}`;
}
