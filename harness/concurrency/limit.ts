/**
 * Limiting: so many at the same time and no more.
 */

/**
 * Works on every item, `atOnce` at the same time, in order. What one of them threw is thrown once
 * the others have ended.
 */
export async function inParallel<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  const ended = await Promise.allSettled(
    Array.from({ length: Math.min(atOnce, items.length) }, worker),
  );
  outcomesOf(ended);
}

/** What each of them came to; throws what the first that failed threw. */
export function outcomesOf<T>(settled: readonly PromiseSettledResult<T>[]): T[] {
  return settled.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
}

/** How an item went: it is done, or is to be tried again, since too much was going on beside it. */
export type Went = 'done' | 'crowded';

/**
 * Works on every item, at first `atOnce` at the same time. What was crowded goes to the end of the
 * line, and half as many go on; after each calm round, one more again. What one of them threw is
 * thrown once the others have ended.
 */
export async function atTheirPace<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<Went>,
): Promise<void> {
  const waiting = [...items];
  let places = atOnce;
  /** What began in an earlier round says nothing of this one. */
  let round = 0;
  let calm = 0;
  const turn = async (item: T) => {
    const begun = round;
    const went = await work(item);
    if (went === 'crowded') waiting.push(item);
    if (begun !== round) return;
    calm = went === 'done' ? calm + 1 : 0;
    if (went === 'crowded') places = Math.max(1, Math.floor(places / 2));
    else if (calm < places) return;
    else places = Math.min(atOnce, places + 1);
    round++;
    calm = 0;
  };
  const inside = new Set<Promise<void>>();
  const thrown: unknown[] = [];
  for (;;) {
    while (waiting.length > 0 && inside.size < places && thrown.length === 0) {
      const one: Promise<void> = turn(waiting.shift()!)
        .catch((error: unknown) => void thrown.push(error))
        .finally(() => inside.delete(one));
      inside.add(one);
    }
    if (inside.size === 0) break;
    await Promise.race(inside);
  }
  if (thrown.length > 0) throw thrown[0];
}

/** `work`, done at most so many times at the same time. */
export function limited<Given extends readonly unknown[], T>(
  atOnce: number,
  work: (...given: Given) => Promise<T>,
): (...given: Given) => Promise<T> {
  const waiting: (() => void)[] = [];
  let inside = 0;
  return async (...given) => {
    if (inside >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
    inside++;
    try {
      return await work(...given);
    } finally {
      inside--;
      waiting.shift()?.();
    }
  };
}

/** Places that are entered under a name and left under it, or by themselves after `longestMs`. */
export interface Places {
  /** Resolves when there is a place. */
  enter(name: string): Promise<void>;
  leave(name: string): void;
}

export function openPlaces(howMany: number, longestMs: number): Places {
  const inside = new Map<string, NodeJS.Timeout>();
  const waiting: (() => void)[] = [];
  const leave = (name: string) => {
    clearTimeout(inside.get(name));
    if (inside.delete(name)) waiting.shift()?.();
  };
  return {
    async enter(name) {
      while (inside.size >= howMany) await new Promise<void>((resolve) => waiting.push(resolve));
      inside.set(name, setTimeout(leave, longestMs, name).unref());
    },
    leave,
  };
}

export interface Gate {
  /** Does the work once the gate is open. */
  pass<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves when all that has passed is done. */
  close(): Promise<void>;
  open(): void;
}

/** A gate that is open to begin with. */
export function createGate(): Gate {
  const inside = new Set<Promise<unknown>>();
  let opened: PromiseWithResolvers<void> | undefined;
  return {
    async pass(work) {
      while (opened) await opened.promise;
      const done = work();
      inside.add(done);
      return done.finally(() => inside.delete(done));
    },
    async close() {
      opened ??= Promise.withResolvers();
      await Promise.allSettled(inside);
    },
    open() {
      opened?.resolve();
      opened = undefined;
    },
  };
}
