/** A part of the page that is filled by asking: it says that it loads, and what went wrong. */

import { button, el } from "./dom.js";

/** Fill an element with what `ask` gives, unless something else was asked for it meanwhile. */
export async function fill(host, loading, ask) {
  const turn = (host.turn = (host.turn ?? 0) + 1);
  host.replaceChildren(el("p", { class: "loading" }, loading));
  try {
    const content = await ask();
    if (host.turn === turn) host.replaceChildren(...content);
  } catch (error) {
    if (host.turn !== turn) return;
    host.replaceChildren(el("p", { role: "alert" }, error.message), button("Try again", () => fill(host, loading, ask)));
  }
}

/** Wait for a job of the service: ask until it is over, telling how far it is. */
export async function finished(api, path, space, onProgress) {
  for (;;) {
    const job = await api.get(path, { space });
    if (job.status !== "queued" && job.status !== "running") return job;
    onProgress(job.progress);
    await new Promise((resolve) => { setTimeout(resolve, 400); });
  }
}

/** A job as it goes: its bar, which is filled as it gets on. */
export function progressBar(label) {
  const bar = el("progress", { max: 1, value: 0, "aria-label": label });
  return { element: el("div", { class: "job" }, el("p", {}, label), bar), tell: (share) => { bar.value = share; } };
}
