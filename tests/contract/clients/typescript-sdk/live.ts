// What the thin TypeScript client does against a live server: node live.js, with RECOLLECT_URL and RECOLLECT_KEY set.
import { deepStrictEqual as equal, ok, rejects } from "node:assert";
import { createServer } from "node:http";
import { AddressInfo } from "node:net";
import { Completion, NotReached, Problem, Recollect, Refusal, Space } from "recollect-sdk";

const client = new Recollect({ url: process.env.RECOLLECT_URL, key: process.env.RECOLLECT_KEY });

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function completes(space: Space): Promise<void> {
  const answer = await space.complete({ what: "breakfast" });
  equal(answer.get("where").value, "kitchen");
  ok(answer.get("where").confidence > 0.5);
  equal(answer.get("what").source, "given");
  const told = await space.complete({ what: "breakfast" }, { targets: ["where"], include: ["why"], coverage: 0.9 });
  ok(told.response.why!.where!.contributions.some((each) => each.field === "what" && each.factor > 1));
  ok(told.response.sets!.where!.values!.includes("kitchen"));
  const stated = await space.probability([{ field: "where", one_of: ["kitchen"] }], { what: "breakfast" });
  ok(Math.abs(stated.probability - answer.get("where").confidence) < 1e-9);
  rejects(async () => answer.get("minutes"), /ca1_threshold/);

  const many = await collect(space.completeMany([{ what: "lunch" }, { minutes: 21 }], { targets: ["where"], threshold: 0.9 }));
  ok(many[0] instanceof Completion && many[1] instanceof Refusal);

  const seen = await collect(space.stream({ what: "lunch" }));
  equal(seen[0]!.event, "pattern_retrieval");
  equal(Space.completion(seen.at(-1)!).get("where").value, "canteen");

  const [filled, whole] = await space.fill([{ what: "lunch" }, { what: "lunch", where: "garden" }], { targets: ["where"] });
  equal(filled!.row, { what: "lunch", where: "canteen" });
  equal(whole!.row.where, "garden");
  equal(filled!.notes, {});
  const [misspelt] = await space.fill([{ waht: "lunch", what: "lunch" }], { targets: ["where"] });
  equal(misspelt!.notes, { waht: "No stored episode has the field 'waht'; the nearest is 'what'." });
}

async function refuses(space: Space): Promise<void> {
  const refusal = await space.complete({ minutes: 21 }, { targets: ["where"], threshold: 0.9 }).then(
    () => undefined,
    (error) => error,
  );
  ok(refusal instanceof Refusal);
  ok(refusal.message.startsWith(`${refusal.document.title}: ${refusal.document.detail}`));
  ok((await refusal.apply()).has("where"));
  const needed = refusal.suggestions.find((each) => each.id === "add_what")!;
  equal((await refusal.apply(needed, "lunch")).get("where").value, "canteen");
  await rejects(client.space("nowhere").complete({ what: "tea" }), (error) => error instanceof Problem && error.status === 404);
}

async function writes(space: Space): Promise<void> {
  const meals = Array.from({ length: 250 }, (_, day) => ({
    id: `day-${day}`,
    fields: { what: day % 2 ? "breakfast" : "lunch", where: day % 2 ? "kitchen" : "canteen", minutes: 20 + (day % 5) },
  }));
  const [report] = await space.rememberAll(meals);
  equal(report!.accepted, 250);
  equal((await collect(space.episodes())).length, 250);
  equal((await space.recall({ what: "lunch" }, 1))[0]!.similarity, 1);
  const answer = await space.complete({ what: "lunch" });
  equal((await space.feedback(answer, "where", { right: true })).verdict, "right");
  const receipt = await space.merge(["day-0", "day-2"], { prefer: "latest" });
  equal(receipt.differs.map((each) => each.field), ["minutes"]);
  equal((await space.unmerge(receipt)).episode_ids, ["day-0", "day-2"]);
  ok(Array.isArray(await space.duplicates(0.99)));
}

async function endures(): Promise<void> {
  const keys: unknown[] = [];
  const replies = [503, 429, 201];
  const peer = createServer((request, reply) => {
    keys.push(request.headers["idempotency-key"]);
    reply.writeHead(replies.shift()!, { "Retry-After": "0", "Content-Type": "application/json" });
    reply.end(JSON.stringify({ id: "a", fields: {}, origin: "observed", revision: 1 }));
  });
  await new Promise<void>((listening) => peer.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${(peer.address() as AddressInfo).port}`;
  equal((await new Recollect({ url }).space("any").remember({ what: "tea" })).id, "a");
  equal(keys.length, 3);
  equal(new Set(keys).size, 1);
  peer.close();
  await rejects(new Recollect({ url: "http://127.0.0.1:9", retries: 0 }).space("any").complete({ what: "tea" }), NotReached);
}

async function main(): Promise<void> {
  const space = await client.space("sdk-typescript").create({ description: "Live test" });
  await writes(space);
  await completes(space);
  await refuses(space);
  await endures();
  await space.delete();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
