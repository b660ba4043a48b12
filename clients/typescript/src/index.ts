// Recollect in three lines: a partial episode in, the whole out, or a refusal that can be applied.
import {
  AsOf, CompleteRequest, CompleteResponse, CompletionApi, CompletionConfig, Configuration, Duplicate, Episode, EpisodeFilter, EpisodeInput,
  EpisodesApi, Feedback, ForgetReceipt, ImportReport, Inclusion, LearningApi, MergeReceipt, Pattern, Preference, ProbabilityResponse, ProblemFromJSON, RecalledEpisode, ResponseError,
  Space as SpaceDocument, SpaceInput, SpacesApi, SpaceStats, StatedCondition, CompleteResponseFromJSON, Unmerged,
} from "recollect-client";
import { Completion, Problem, Refusal, Value } from "./answers";
import { patientFetch } from "./fetching";

export { Completion, Problem, Refusal } from "./answers";
export type { Field, Value } from "./answers";
export { NotReached } from "./fetching";

const BATCH = 256;
const IMPORT = 1000;
const UNPROCESSABLE = 422;

export type Fields = { [name: string]: Value };

/** Where the service is, and how patient to be with it. */
export interface Options {
  url?: string;
  key?: string;
  timeoutMs?: number;
  retries?: number;
  fetch?: typeof fetch;
}

/** What may be asked beside what is known. */
export interface Asked {
  targets?: string[];
  threshold?: number;
  config?: CompletionConfig;
  partialEmbedding?: Array<number | null>;
  include?: Inclusion[];
  coverage?: number;
  priorStored?: number;
  asOf?: AsOf;
}

/** A record with its gaps filled, how sure each filled member is, and what is noted of misspelt ones. */
export interface FilledRow {
  row: Fields;
  confidence: { [name: string]: number };
  notes: { [name: string]: string };
}

/** One event of a completion as it happens. */
export interface StreamedEvent {
  event: "pattern_retrieval" | "ca3_progress" | "partial_result" | "final_result";
  data: any;
}

/** A Recollect service, by default the one of this machine. */
export class Recollect {
  readonly completion: CompletionApi;
  readonly episodes: EpisodesApi;
  readonly learning: LearningApi;
  private readonly spacesApi: SpacesApi;

  constructor(options: Options = {}) {
    const { url = "http://127.0.0.1:8080", key, timeoutMs = 30_000, retries = 3 } = options;
    const configuration = new Configuration({
      basePath: `${url.replace(/\/+$/, "")}/api/v1`,
      accessToken: key,
      fetchApi: patientFetch({ timeoutMs, retries }, options.fetch ?? fetch),
    });
    this.completion = new CompletionApi(configuration);
    this.episodes = new EpisodesApi(configuration);
    this.learning = new LearningApi(configuration);
    this.spacesApi = new SpacesApi(configuration);
  }

  /** One memory space. It is never made implicitly: `create` makes it. */
  space(name: string): Space {
    return new Space(this, this.spacesApi, name);
  }

  /** Every space that the key may see. */
  spaces(): AsyncGenerator<SpaceDocument> {
    return pages((cursor) => this.spacesApi.listSpaces({ cursor }));
  }
}

/** One memory space of a service. */
export class Space {
  constructor(private readonly client: Recollect, private readonly spacesApi: SpacesApi, readonly name: string) {}

  /** Make the space, or change its settings. */
  async create(spaceInput: SpaceInput = {}): Promise<this> {
    await explained(this.spacesApi.putSpace({ spaceId: this.name, spaceInput }));
    return this;
  }

  /** Delete the space and all that it remembers. */
  async delete(): Promise<void> {
    await explained(this.spacesApi.deleteSpace({ spaceId: this.name }));
  }

  /** What the space holds. */
  stats(): Promise<SpaceStats> {
    return explained(this.spacesApi.getSpaceStats({ spaceId: this.name }));
  }

  /** Complete an episode from the part that is known; throws a Refusal where the evidence is not enough. */
  complete(known: Fields, asked: Asked = {}): Promise<Completion> {
    return this.completeRequest(requestOf(known, asked));
  }

  /** Complete as the contract's CompleteRequest says. */
  async completeRequest(completeRequest: CompleteRequest): Promise<Completion> {
    const call = this.client.completion.complete({ xMemorySpace: this.name, completeRequest, verbose: true });
    try {
      return new Completion(await explained(call));
    } catch (error) {
      throw error instanceof Problem ? this.refusal(error, completeRequest) : error;
    }
  }

  /** Complete many, in their order; one that fails gives its problem and does not fail the rest. */
  async *completeMany(cues: Fields[], asked: Asked = {}): AsyncGenerator<Completion | Problem> {
    const requests = cues.map((known) => requestOf(known, asked));
    for (let at = 0; at < requests.length; at += BATCH) {
      const items = requests.slice(at, at + BATCH);
      const answer = await explained(
        this.client.completion.completeBatch({ xMemorySpace: this.name, completeBatchRequest: { items }, verbose: true }),
      );
      for (const each of answer.items) {
        if (each.result) yield new Completion(each.result);
        else yield this.refusal(new Problem(each.status, each.problem!), items[each.index]!);
      }
    }
  }

  /** The completion as it happens; the last event is `final_result`. */
  async *stream(known: Fields, asked: Asked = {}): AsyncGenerator<StreamedEvent> {
    const completeRequest = requestOf(known, asked);
    const reply = await explained(
      this.client.completion.completeStreamRaw({ xMemorySpace: this.name, completeRequest }),
    );
    for await (const { event, data } of events(reply.raw.body!)) {
      if (event === "problem") throw this.refusal(new Problem(data.status, ProblemFromJSON(data)), completeRequest);
      yield { event: event as StreamedEvent["event"], data };
    }
  }

  /** The answer that a `final_result` event carries. */
  static completion(event: StreamedEvent): Completion {
    return new Completion(CompleteResponseFromJSON(event.data) as CompleteResponse);
  }

  /** Fill the gaps of records, their missing members, as far as the space is certain; of members it has no field for
   * `notes` name the nearest one. */
  async fill(rows: Fields[], asked: Asked = {}): Promise<FilledRow[]> {
    const names = asked.targets ?? [...new Set(rows.flatMap(Object.keys))];
    const filled: FilledRow[] = rows.map((row) => ({ row: { ...row }, confidence: {}, notes: {} }));
    const gaps = rows.map((row) => names.filter((name) => row[name] === undefined));
    await Promise.all(
      [...new Set(gaps.filter((gap) => gap.length).map((gap) => JSON.stringify(gap)))].map(async (key) => {
        const places = rows.flatMap((row, at) => (JSON.stringify(gaps[at]) === key && Object.keys(row).length ? [at] : []));
        let next = 0;
        const cues = places.map((at) => rows[at]!);
        for await (const answer of this.completeMany(cues, { ...asked, targets: JSON.parse(key) as string[] })) {
          const into = filled[places[next++]!]!;
          if (!(answer instanceof Completion)) continue;
          for (const note of answer.response.cue_notes ?? []) {
            if (note.code === "unknown_field") into.notes[note.field] = note.message;
          }
          for (const [name, field] of answer) {
            if (name in into.row) continue;
            into.row[name] = field.value;
            into.confidence[name] = field.confidence;
          }
        }
      }),
    );
    return filled;
  }

  /** How probable it is that these conditions hold together, given what is known. */
  probability(statement: StatedCondition[], known: Fields = {}): Promise<ProbabilityResponse> {
    const probabilityRequest = { partial_episode: { known_fields: known }, statement };
    return explained(this.client.completion.probability({ xMemorySpace: this.name, probabilityRequest }));
  }

  /** The stored episodes most like what is known; a similarity is no probability. */
  async recall(known: Fields, limit = 10, filter?: EpisodeFilter): Promise<RecalledEpisode[]> {
    const recallRequest = { partial_episode: { known_fields: known }, limit, filter };
    const found = await explained(this.client.completion.recall({ xMemorySpace: this.name, recallRequest }));
    return found.items;
  }

  /** Store one episode. */
  remember(fields: Fields, more: Omit<EpisodeInput, "fields"> = {}): Promise<Episode> {
    const episodeInput = { ...more, fields };
    return explained(this.client.episodes.createEpisode({ xMemorySpace: this.name, episodeInput }));
  }

  /** Store many, in chunks that are each stored whole. */
  async rememberAll(episodes: EpisodeInput[]): Promise<ImportReport[]> {
    const reports: ImportReport[] = [];
    for (let at = 0; at < episodes.length; at += IMPORT) {
      const importRequest = { items: episodes.slice(at, at + IMPORT) };
      reports.push(await explained(this.client.episodes.importEpisodes({ xMemorySpace: this.name, importRequest })));
    }
    return reports;
  }

  /** Every episode, in order of creation. */
  episodes(): AsyncGenerator<Episode> {
    return pages((cursor) => this.client.episodes.listEpisodes({ xMemorySpace: this.name, cursor, limit: 200 }));
  }

  /** What the space has learned, the strongest first. */
  patterns(): AsyncGenerator<Pattern> {
    return pages((cursor) => this.client.learning.listPatterns({ xMemorySpace: this.name, cursor, limit: 200 }));
  }

  /** Count what matches or, with the count, erase it. */
  forget(filter: EpisodeFilter, expectedCount?: number): Promise<ForgetReceipt> {
    const forgetRequest = { filter, dry_run: expectedCount === undefined, expected_count: expectedCount };
    return explained(this.client.episodes.forgetEpisodes({ xMemorySpace: this.name, forgetRequest }));
  }

  /** The pairs of episodes that probably tell of one event, the likeliest first. */
  async duplicates(least = 0.5, limit = 100): Promise<Duplicate[]> {
    const asked = { xMemorySpace: this.name, minProbability: least, limit };
    return (await explained(this.client.learning.listDuplicates(asked))).items;
  }

  /** Make one episode of several, the first of which stays; keep the receipt, `unmerge` takes it. */
  merge(episodeIds: string[], decided: { prefer?: Preference; fields?: Fields } = {}): Promise<MergeReceipt> {
    const mergeRequest = { episode_ids: episodeIds, ...decided };
    return explained(this.client.episodes.mergeEpisodes({ xMemorySpace: this.name, mergeRequest }));
  }

  /** Take a merge back: the episodes stand again as they were. */
  unmerge(mergeReceipt: MergeReceipt): Promise<Unmerged> {
    return explained(this.client.episodes.unmergeEpisodes({ xMemorySpace: this.name, mergeReceipt }));
  }

  /** Tell whether a completed field was right, or what it truly was. */
  feedback(answer: Completion, field: string, judged: { right: boolean } | { trueValue: Value }): Promise<Feedback> {
    const said = "right" in judged
      ? { verdict: judged.right ? ("right" as const) : ("wrong" as const) }
      : { true_value: judged.trueValue };
    const feedbackInput = { completion_id: answer.response.completion_id, field, ...said };
    return explained(this.client.learning.createFeedback({ xMemorySpace: this.name, feedbackInput }));
  }

  private refusal(problem: Problem, request: CompleteRequest): Problem {
    if (problem.status !== UNPROCESSABLE) return problem;
    return new Refusal(problem.status, problem.document, request, (patched) => this.completeRequest(patched));
  }
}

function requestOf(known: Fields, asked: Asked): CompleteRequest {
  const config = { ...asked.config };
  if (asked.threshold !== undefined) config.ca1_threshold = asked.threshold;
  if (asked.coverage !== undefined) config.coverage = asked.coverage;
  if (asked.priorStored !== undefined) config.prior_stored = asked.priorStored;
  const request: CompleteRequest = { partial_episode: {} };
  if (Object.keys(known).length) request.partial_episode.known_fields = known;
  if (asked.partialEmbedding) request.partial_episode.partial_embedding = asked.partialEmbedding as number[];
  if (asked.targets) request.targets = asked.targets;
  if (asked.include) request.include = asked.include;
  if (asked.asOf) request.as_of = asked.asOf;
  if (Object.keys(config).length) request.config = config;
  return request;
}

/** What the generated client throws, as a Problem. */
async function explained<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    // The generated client wraps what its fetch throws.
    const cause = error instanceof Error ? error.cause : undefined;
    if (!(error instanceof ResponseError)) throw cause instanceof Error ? cause : error;
    const { status, statusText } = error.response;
    const document = await error.response.json().catch(() => undefined);
    if (document?.title) throw new Problem(status, ProblemFromJSON(document));
    const title = statusText || "Refused";
    const detail = "The answer is no problem document.";
    throw new Problem(status, { type: "about:blank", title, status, detail, code: "", retryable: false, request_id: "" });
  }
}

async function* pages<T>(
  page: (cursor?: string) => Promise<{ items: T[]; next_cursor?: string | null }>,
): AsyncGenerator<T> {
  let cursor: string | undefined;
  do {
    const found = await explained(page(cursor));
    yield* found.items;
    cursor = found.next_cursor ?? undefined;
  } while (cursor !== undefined);
}

/** Server-sent events of a body; comments, which keep the connection open, are passed over. */
async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<{ event: string; data: any }> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let event = "";
  for (;;) {
    const { done, value } = await reader.read();
    rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      if (line.startsWith("event: ")) event = line.slice("event: ".length).trim();
      else if (line.startsWith("data: ")) yield { event, data: JSON.parse(line.slice("data: ".length)) };
    }
    if (done) return;
  }
}
