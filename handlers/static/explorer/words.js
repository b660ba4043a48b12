/** Numbers, values and sources in words that a person reads. */

export const SOURCES = {
  given: "You gave it.",
  recalled: "One stored episode says so.",
  reconstructed: "Several stored episodes agree.",
  consolidated: "A learned regularity says so.",
  imagined: "Little but base rates speaks for it.",
};

const counted = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
const TIME = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})(?::(\d{2})(?:\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/;

/** 0.7432 as “74 %”; what is nearly certain or nearly impossible is not rounded into certainty. */
export function percent(share) {
  if (share > 0.995 && share < 1) return "> 99 %";
  if (share < 0.005 && share > 0) return "< 1 %";
  return `${Math.round(share * 100)} %`;
}

/** How sure that is. */
export function surety(share) {
  const words = [[0.95, "almost certain"], [0.8, "very likely"], [0.6, "likely"], [0.4, "about even"], [0.2, "unlikely"]];
  return words.find(([least]) => share >= least)?.[1] ?? "a faint guess";
}

/** A count with its noun: “1 episode”, “1,200 episodes”. */
export function many(count, noun) {
  return `${counted.format(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** A decimal number, as short as it can be told. */
export function decimal(number) {
  return short.format(number).replace("-", "−");
}

/** A field's value as text; a time as its own clock had it. */
export function text(value) {
  if (Array.isArray(value)) return value.length ? value.map(text).join(", ") : "nobody, nothing";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return short.format(value).length > 12 ? String(value) : counted.format(value);
  const time = TIME.exec(value);
  if (!time) return value;
  const [, day, minutes] = time;
  const told = new Date(`${day}T00:00:00Z`).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
  return minutes === "00:00" ? told : `${told}, ${minutes}`;
}

/** What was typed, as a value of the field's type. What does not fit stays text: the service says what it makes of it. */
export function read(typed, type) {
  const trimmed = typed.trim();
  if (type === "number" && trimmed !== "" && Number.isFinite(Number(trimmed))) return Number(trimmed);
  if (type === "boolean" && /^(true|yes|false|no)$/i.test(trimmed)) return /^(true|yes)$/i.test(trimmed);
  if (type === "list") return trimmed.split(",").map((part) => part.trim()).filter(Boolean);
  return trimmed;
}

/** A value as one would type it. */
export function typed(value) {
  return Array.isArray(value) ? value.join(", ") : String(value);
}
