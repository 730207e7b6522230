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

/** A place in which so much can go on at once, and nobody knows how much: it is found out. */
export interface Pace {
  /**
   * Works on every item, `atOnce` of them at the same time at most. What was crowded goes to the end
   * of the line. What one of them threw is thrown once those under way have ended.
   */
  each<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<Went>): Promise<void>;
}

/**
 * At first `most` at the same time, of all that is worked on; half as many as soon as one was
 * crowded, and one more again after each calm round. Throws RangeError where nothing could ever begin.
 */
export function createPace(most: number): Pace {
  if (!(most >= 1)) throw new RangeError(`${most} at once is none: give 1 or more jobs`);
  let places = most;
  let inside = 0;
  const atTheDoor: (() => void)[] = [];
  /** What began in an earlier round says nothing of this one. */
  let round = 0;
  let calm = 0;
  const letIn = () => {
    for (let free = places - inside; free > 0; free--) atTheDoor.shift()?.();
  };
  const adapt = (begun: number, went: Went) => {
    if (begun !== round) return;
    calm = went === 'done' ? calm + 1 : 0;
    if (went === 'crowded') places = Math.max(1, Math.floor(places / 2));
    else if (calm < places) return;
    else places = Math.min(most, places + 1);
    round++;
    calm = 0;
  };
  const inTurn = async (work: () => Promise<Went>): Promise<Went> => {
    while (inside >= places) await new Promise<void>((resolve) => atTheDoor.push(resolve));
    inside++;
    const begun = round;
    try {
      const went = await work();
      adapt(begun, went);
      return went;
    } finally {
      inside--;
      letIn();
    }
  };
  return {
    async each(items, atOnce, work) {
      const waiting = [...items];
      const worker = async () => {
        while (waiting.length > 0) {
          const item = waiting.shift()!;
          const went = await inTurn(() => work(item)).catch((error: unknown) => {
            waiting.length = 0;
            throw error;
          });
          if (went === 'crowded') waiting.push(item);
        }
      };
      const workers = Array.from({ length: Math.min(atOnce, items.length) }, worker);
      outcomesOf(await Promise.allSettled(workers));
    },
  };
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
