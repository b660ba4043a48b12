// What comes back: a completion by field, or a problem that can be acted upon.
import { Attribution, CompleteRequest, CompleteResponse, Interval, Problem as ProblemDocument, Suggestion } from "recollect-client";

export type Value = string | number | boolean | Array<string | number | boolean>;

/** One field of a completed episode: its value, P(right), and where it came from. */
export interface Field {
  value: Value;
  confidence: number;
  source: string;
  detail?: Attribution;
  /** Of a completed number or time: the values between which it lies, and the chance that it does. */
  interval?: Interval;
}

/** A completed episode, by field; what the cue gave is in it, with the source `given`. */
export class Completion {
  readonly confidence: number;
  readonly abstained: { [name: string]: string };

  constructor(readonly response: CompleteResponse) {
    this.confidence = response.completion_confidence;
    this.abstained = response.completed_episode.abstained ?? {};
  }

  /** The values alone, by field. */
  get values(): { [name: string]: Value } {
    return this.response.completed_episode.fields as { [name: string]: Value };
  }

  /** One field; fails with the reason where it was left out. */
  get(name: string): Field {
    const value = this.values[name];
    if (value === undefined) throw new RangeError(`${name}: ${this.abstained[name] ?? "not part of the answer"}`);
    const detail = this.response.source_attribution?.[name];
    const interval = this.response.completed_episode.intervals?.[name];
    return { value, confidence: detail?.confidence ?? this.confidence, source: detail?.source ?? "", detail, interval };
  }

  has(name: string): boolean {
    return name in this.values;
  }

  *[Symbol.iterator](): IterableIterator<[string, Field]> {
    for (const name of Object.keys(this.values)) yield [name, this.get(name)];
  }
}

/** The service refused; the text begins with what went wrong. */
export class Problem extends Error {
  override name = "Problem";

  constructor(readonly status: number, readonly document: ProblemDocument) {
    super(`${document.title}: ${document.detail} (${status} ${document.code})`);
  }

  get suggestions(): Suggestion[] {
    return this.document.suggestions ?? [];
  }
}

/** There is not enough evidence to complete the episode (422). */
export class Refusal extends Problem {
  override name = "Refusal";

  constructor(
    status: number,
    document: ProblemDocument,
    readonly request: CompleteRequest,
    private readonly again: (request: CompleteRequest) => Promise<Completion>,
  ) {
    super(status, document);
  }

  /**
   * Ask again with a suggestion applied, the first machine-applicable one by default; `value` is for one that asks
   * to supply a field.
   */
  async apply(suggestion?: Suggestion, value?: Value): Promise<Completion> {
    const chosen = suggestion ?? this.suggestions.find((each) => each.applicability === "machine_applicable");
    if (!chosen) throw new TypeError("No suggestion can be applied by a program; choose one and give its value.");
    if (value === undefined && chosen.applicability !== "machine_applicable") {
      throw new TypeError(`“${chosen.message}” needs a value: apply(suggestion, value).`);
    }
    return this.again(value === undefined ? patched(this.request, chosen) : supplied(this.request, chosen, value));
  }
}

function supplied(request: CompleteRequest, suggestion: Suggestion, value: Value): CompleteRequest {
  if (!suggestion.id.startsWith("add_")) throw new TypeError(`“${suggestion.message}” takes no value.`);
  const cue = request.partial_episode;
  const known_fields = { ...cue.known_fields, [suggestion.id.slice("add_".length)]: value };
  return { ...request, partial_episode: { ...cue, known_fields } };
}

/** The request with the suggestion's patch (RFC 6902: add, replace, remove) made in it. */
function patched(request: CompleteRequest, suggestion: Suggestion): CompleteRequest {
  const result = structuredClone(request);
  for (const change of suggestion.patch ?? []) {
    const way = change.path.split("/").slice(1).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = way.pop()!;
    let place: any = result;
    for (const part of way) place = place[part] ??= {};
    if (change.op === "remove") delete place[last];
    else if (change.op === "add" || change.op === "replace") place[last] = change.value;
    else throw new TypeError(`A patch that does “${change.op}” cannot be applied.`);
  }
  return result;
}
