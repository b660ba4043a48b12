/** JSON Patch (RFC 6902), as far as suggestions use it: add, replace, remove. */

/** A copy of a document with the operations done to it. */
export function apply(document, operations) {
  const changed = structuredClone(document);
  for (const { op, path, value } of operations) {
    const steps = path.split("/").slice(1).map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = steps.pop();
    const parent = steps.reduce((node, step) => (node[step] ??= {}), changed);
    if (Array.isArray(parent)) parent.splice(last === "-" ? parent.length : Number(last), op === "add" ? 0 : 1, ...(op === "remove" ? [] : [value]));
    else if (op === "remove") delete parent[last];
    else parent[last] = value;
  }
  return changed;
}
