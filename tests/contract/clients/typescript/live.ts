// What the TypeScript client does against a live server: node live.js, with RECOLLECT_URL and RECOLLECT_KEY set.
import { deepStrictEqual as equal, ok } from "node:assert";
import {
  Applicability,
  CompleteRequest,
  CompletionApi,
  Configuration,
  EpisodeFromJSON,
  EpisodeInput,
  EpisodesApi,
  EpisodeToJSON,
  Problem,
  ProblemFromJSON,
  ResponseError,
  Source,
  SpacesApi,
} from "recollect-client";

const space = "client-typescript";
const values = { whole: 3, broken: 3.5, flag: true, text: "3", mixed: [3, 3.5, true, "3"] };
const configuration = new Configuration({
  basePath: `${process.env.RECOLLECT_URL}/api/v1`,
  accessToken: process.env.RECOLLECT_KEY,
});
const completion = new CompletionApi(configuration);
const episodes = new EpisodesApi(configuration);
const spaces = new SpacesApi(configuration);

async function refusal(status: number, completeRequest: CompleteRequest): Promise<Problem> {
  const error = await completion.complete({ xMemorySpace: space, completeRequest }).then(
    () => ok(false, "completed all the same"),
    (error) => error,
  );
  ok(error instanceof ResponseError);
  equal(error.response.status, status);
  const problem = ProblemFromJSON(await error.response.json());
  ok(error.message.startsWith(`${problem.title}: ${problem.detail}`));
  return problem;
}

async function main(): Promise<void> {
  const made = await spaces.putSpace({ spaceId: space, spaceInput: { description: "Live test" }, ifNoneMatch: "*" });
  equal(made.space_id, space);
  equal(made.embedding_dimensions, null);

  const items: EpisodeInput[] = Array.from({ length: 12 }, (_, day) => ({
    id: `day-${day}`,
    fields: { what: day % 2 ? "breakfast" : "lunch", where: day % 2 ? "kitchen" : "office", day },
    embedding: [0.1 * day, day % 2, 0.5],
    occurred_at: new Date(Date.UTC(2026, 2, 1 + day, 8)),
  }));
  items.push({ id: "values", fields: values });
  const report = await episodes.importEpisodes({ xMemorySpace: space, importRequest: { items } });
  equal([report.accepted, report.rejected_total], [13, 0]);

  const core = await completion.complete({
    xMemorySpace: space,
    completeRequest: { partial_episode: { known_fields: { what: "breakfast" } }, targets: ["where"] },
  });
  equal(core.completed_episode.fields.where, "kitchen");
  ok(core.completion_confidence > 0 && core.completion_confidence <= 1);
  equal(core.source_attribution, undefined);

  const verbose = await completion.complete({
    xMemorySpace: space,
    completeRequest: {
      partial_episode: { known_fields: { what: "lunch" }, partial_embedding: [null, 0, 0.5] },
      targets: ["where"],
    },
    verbose: true,
  });
  equal(verbose.completed_episode.fields.where, "office");
  ok(Object.values<string>(Source).includes(verbose.source_attribution!.where!.source));
  ok(verbose.reconstruction_stats!.energy.length > 0);
  ok(verbose.metacognitive_confidence !== undefined);

  const events = await completion.completeStream({
    xMemorySpace: space,
    completeRequest: { partial_episode: { known_fields: { what: "lunch" } }, targets: ["where"] },
  });
  ok(events.includes("event: final_result"));

  const problem = await refusal(422, {
    partial_episode: { known_fields: { what: "nothing that was ever seen" } },
    targets: ["where"],
    config: { ca1_threshold: 0.9 },
  });
  equal(problem.code, "INSUFFICIENT_EVIDENCE");
  ok(problem.suggestions!.length > 0);
  ok(problem.suggestions!.every((each) => Object.values<string>(Applicability).includes(each.applicability)));

  // Were a null sent as 0, or left out, something would be known.
  const unknown = { partial_embedding: [null, null, null] };
  const invalid = await refusal(400, { partial_episode: unknown, targets: ["where"] });
  equal(invalid.errors![0]!.pointer, "/partial_episode/partial_embedding");
  equal(invalid.errors![0]!.expected, "at least one known dimension");

  const seen: string[] = [];
  let cursor: string | null | undefined;
  do {
    const page = await episodes.listEpisodes({ xMemorySpace: space, limit: 5, cursor: cursor ?? undefined });
    seen.push(...page.items.map((episode) => episode.id));
    cursor = page.next_cursor;
  } while (cursor);
  equal(seen.sort(), items.map((item) => item.id!).sort());

  const stored = await episodes.getEpisode({ episodeId: "values", xMemorySpace: space });
  equal(stored.fields, values);
  await episodes.putEpisode({ episodeId: "copy", xMemorySpace: space, episodeInput: { fields: stored.fields } });

  const newer = EpisodeFromJSON({ ...EpisodeToJSON(stored), origin: "dreamt" });
  equal(newer.origin, "dreamt");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
