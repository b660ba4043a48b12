// A fetch that gives up in time and sends again what another moment may mend.

const PASSING = new Set([429, 502, 503, 504]);
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 60_000;
const KEYED = /\/(episodes|imports|forget|feedback)(\/[^/]*)?$/;

/** No answer came: no server, a broken connection, a time that ran out. */
export class NotReached extends Error {
  override name = "NotReached";
}

/** How long one attempt may take, and how many more there may be. */
export interface Patience {
  timeoutMs: number;
  retries: number;
}

/**
 * A fetch with patience. Every request may be sent again: reads change nothing, and a write carries one
 * idempotency key through all its attempts.
 */
export function patientFetch(patience: Patience, send: typeof fetch): typeof fetch {
  return async (input, init) => {
    const headers = new Headers(init?.headers);
    const path = new URL(String(input)).pathname;
    const isWrite = !["GET", "HEAD"].includes(init?.method ?? "GET") && KEYED.test(path);
    if (isWrite && !headers.has("Idempotency-Key")) headers.set("Idempotency-Key", crypto.randomUUID());
    for (let attempt = 0; ; attempt += 1) {
      const outcome = await attemptOnce(send, input, { ...init, headers }, patience);
      const waitMs = attempt < patience.retries ? waitBefore(attempt, outcome) : undefined;
      if (waitMs !== undefined) await new Promise((resume) => setTimeout(resume, waitMs));
      else if (outcome instanceof Response) return outcome;
      else throw outcome;
    }
  };
}

type Input = Parameters<typeof fetch>[0];

async function attemptOnce(
  send: typeof fetch, input: Input, init: RequestInit, patience: Patience,
): Promise<Response | NotReached> {
  const clock = new AbortController();
  const timer = setTimeout(() => clock.abort(), patience.timeoutMs);
  try {
    // The clock stops when the head is there: a stream may take as long as it likes.
    return await send(input, { ...init, signal: clock.signal });
  } catch (fault) {
    const reason = clock.signal.aborted ? `no answer within ${patience.timeoutMs} ms` : reasonOf(fault);
    return new NotReached(`${new URL(String(input)).origin} was not reached: ${reason}`, { cause: fault });
  } finally {
    clearTimeout(timer);
  }
}

function waitBefore(attempt: number, outcome: Response | NotReached): number | undefined {
  if (outcome instanceof Response) {
    if (!PASSING.has(outcome.status)) return undefined;
    const told = outcome.headers.get("Retry-After");
    if (told !== null && /^\d+$/.test(told)) {
      return Number(told) * 1000 <= LONGEST_WAIT_MS ? Number(told) * 1000 : undefined;
    }
  }
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt) * (0.5 + Math.random() / 2);
}

function reasonOf(fault: unknown): string {
  const cause = fault instanceof Error ? fault.cause : undefined;
  return cause instanceof Error && cause.message ? cause.message : String(fault);
}
