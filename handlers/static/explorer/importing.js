/** A memory made of a file: it is read, shown as it was read, and only then stored. */

import { button, el } from "./dom.js";
import { Problem } from "./api.js";
import { many } from "./words.js";

const NAME = "[a-z0-9][a-z0-9_\\-]{0,62}";

export class ImportDialog {
  constructor(api, { onMade }) {
    Object.assign(this, { api, onMade });
    this.picker = el("input", { type: "file", id: "file", "aria-label": "File", class: "visually-hidden", on: { change: () => this.picker.files[0] && this.read(this.picker.files[0]) } });
    this.body = el("div", { class: "dialog-body" });
    this.dialog = el("dialog", { "aria-labelledby": "import-title", on: { close: () => this.#discard() } },
      el("div", { class: "dialog-head" }, el("h2", { id: "import-title" }, "A memory from a file"), button("×", () => this.dialog.close(), { class: "quiet", "aria-label": "Close" })), this.picker, this.body);
    document.body.append(this.dialog);
    this.#acceptDrops();
  }

  open() {
    this.body.replaceChildren(
      el("label", { for: "file", class: "drop" }, el("b", {}, "Drop a file here, or choose one"), el("span", { class: "hint" }, "CSV, spreadsheet, JSON, Parquet or Arrow, packed or not. It goes to this server only.")));
    this.picker.value = "";
    if (!this.dialog.open) this.dialog.showModal();
  }

  /** Read the file without storing it, and show how. The space is made now, because a preview needs one; it is erased again if nothing comes of it. */
  async read(file, name = nameOf(file)) {
    this.open();
    this.#discard();
    const turn = (this.turn = Symbol(file.name)); // closing the dialog, or another file, ends it
    this.body.replaceChildren(el("p", { class: "loading" }, `Reading ${file.name} …`));
    try {
      const space = await this.#make(name);
      if (this.turn !== turn) return void (await this.#erase(space));
      this.made = space;
      const report = await this.api.upload("imports", file, { space, query: { preview: true } });
      if (this.turn === turn) this.#show(file, space, report);
    } catch (error) {
      if (this.turn === turn) this.#fail(error, file);
    }
  }

  #show(file, space, report) {
    const store = button(`Store ${many(report.accepted, "episode")}`, () => this.#store(file, space), { class: "primary", disabled: report.accepted === 0 });
    this.body.replaceChildren(
      el("p", {}, el("b", {}, file.name), ` was read as ${written(report.table)}: ${many(report.records, "record")}`, report.rejected_total ? `, ${report.rejected_total} of them cannot be taken` : "", "."),
      ...(report.rejected.length ? [el("ul", { class: "plain" }, ...report.rejected.slice(0, 3).map(({ line, reason }) => el("li", {}, `Line ${line}: ${reason}`)))] : []),
      report.table ? columns(report.table.columns) : "",
      el("p", {}, "It becomes the space ", el("b", {}, space), "."),
      el("div", { class: "actions" }, store, button("Another file", () => { this.#discard(); this.open(); }, { class: "quiet" })));
    store.focus();
  }

  async #store(file, space) {
    this.body.replaceChildren(el("p", { class: "loading" }, "Storing …"));
    try {
      await this.api.upload("imports", file, { space, query: {} });
      this.made = null;
      await this.api.post("consolidate", {}, { space }); // it learns while it is asked already
      this.dialog.close();
      this.onMade(space);
    } catch (error) {
      this.#fail(error, file);
    }
  }

  /** A new space of this name, or of the name with a number where it is taken. */
  async #make(name) {
    const taken = new Set((await this.api.all("spaces")).map(({ space_id: id }) => id));
    let free = name;
    for (let number = 2; taken.has(free); number += 1) free = `${name}-${number}`;
    await this.api.put(`spaces/${free}`, { description: "Made in the explorer" });
    return free;
  }

  /** End what is being read, and leave nothing of it behind. */
  #discard() {
    const { made } = this;
    this.turn = this.made = null;
    if (made) this.#erase(made);
  }

  async #erase(space) {
    await this.api.delete(`spaces/${space}`).catch(() => {}); // an empty space that stays harms nobody
  }

  #fail(error, file) {
    if (!(error instanceof Problem)) throw error;
    this.body.replaceChildren(el("p", { role: "alert" }, error.message), button("Try again", () => this.read(file), { class: "primary" }), button("Another file", () => this.open(), { class: "quiet" }));
  }

  #acceptDrops() {
    const hasFile = (event) => event.dataTransfer?.types.includes("Files");
    document.addEventListener("dragover", (event) => { if (hasFile(event)) { event.preventDefault(); document.body.classList.add("dropping"); } });
    document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
    document.addEventListener("drop", (event) => {
      document.body.classList.remove("dropping");
      if (!hasFile(event)) return;
      event.preventDefault();
      this.read(event.dataTransfer.files[0]);
    });
  }
}

/** The file's name as a space may be called. */
function nameOf({ name }) {
  const plain = name.replace(/\..*$/, "").toLowerCase().replace(/[^a-z0-9_-]+/g, "-").replace(/^[^a-z0-9]+|-+$/g, "");
  return new RegExp(`^${NAME}$`).test(plain) ? plain : "from-file";
}

function written(table) {
  if (!table) return "JSON";
  const delimiter = { ",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks" }[table.delimiter];
  return [table.format.toUpperCase(), delimiter && `with ${delimiter}`, table.encoding && `in ${table.encoding}`, table.sheet && `sheet ${table.sheet}`].filter(Boolean).join(" ");
}

function columns(read) {
  const row = ({ column, role, type, known, missing, distinct, sample, is_ambiguous: twoWays }) => el("tr", {},
    el("th", { scope: "row" }, column), el("td", {}, type ?? role.replace("_", " ")), el("td", {}, sample ?? ""),
    el("td", {}, distinct > 1000 ? "> 1,000" : String(distinct)), el("td", { class: missing ? "gap" : "" }, missing ? `${missing} missing` : `all ${known}`), el("td", {}, twoWays ? "could be read in two ways" : ""));
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Columns" }, el("table", { class: "numbers" },
    el("thead", {}, el("tr", {}, ...["Column", "Read as", "Such as", "Distinct", "Known", ""].map((each) => (each ? el("th", { scope: "col" }, each) : el("td", {}))))), el("tbody", {}, ...read.map(row))));
}
