/** The service's API, as this page uses it. The key is kept in this object alone and is gone with the page. */

const ROOT = new URL("api/v1/", document.baseURI);

/** What the service refused, as it told it (RFC 9457). */
export class Problem extends Error {
  constructor(body, status) {
    super(body.detail ?? body.title ?? `The service answered ${status}.`);
    this.body = { status, title: "The service could not answer", suggestions: [], ...body };
  }
}

export class Api {
  key = "";

  get(path, { space, query } = {}) {
    return this.#json("GET", path, { space, query });
  }

  put(path, body) {
    return this.#json("PUT", path, { body });
  }

  post(path, body, { space, query } = {}) {
    return this.#json("POST", path, { space, query, body });
  }

  delete(path) {
    return this.#json("DELETE", path, {});
  }

  /** Send a file as it is; the service finds out what it holds. */
  upload(path, file, { space, query }) {
    return this.#json("POST", path, { space, query, body: file, type: "application/octet-stream" });
  }

  /** All items of a list that comes in pages, up to `most`. */
  async all(path, { space, query = {}, most = 1000 } = {}) {
    const items = [];
    let cursor = null;
    do {
      const page = await this.get(path, { space, query: { ...query, ...(cursor && { cursor }) } });
      items.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor && items.length < most);
    return items;
  }

  /** The events of a completion, each `{event, data}`, as they come. */
  async *stream(space, body, signal) {
    const reply = await this.#send("POST", "complete/stream", { space, body, signal, accept: "text/event-stream" });
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const event = /^event: (.*)$/m.exec(block)?.[1];
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (event && data) yield { event, data: JSON.parse(data) };
      }
    }
  }

  async #json(method, path, options) {
    const reply = await this.#send(method, path, options);
    return reply.status === 204 ? null : reply.json();
  }

  async #send(method, path, { space, query = {}, body, type = "application/json", accept = "application/json", signal }) {
    const url = new URL(path, ROOT);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const headers = { Accept: `${accept}, application/problem+json` };
    if (this.key) headers.Authorization = `Bearer ${this.key}`;
    if (space) headers["X-Memory-Space"] = space;
    if (body !== undefined) headers["Content-Type"] = type;
    const content = body === undefined || type !== "application/json" ? body : JSON.stringify(body);
    const reply = await reach(url, { method, headers, body: content, signal });
    if (reply.ok) return reply;
    const told = await reply.json().catch(() => ({}));
    throw new Problem(told, reply.status);
  }
}

async function reach(url, options) {
  try {
    return await fetch(url, { cache: "no-store", credentials: "omit", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ title: "The service cannot be reached", detail: "No answer came. Is the server still running?", code: "UNREACHABLE" }, 0);
  }
}
