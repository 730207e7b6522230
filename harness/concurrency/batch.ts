/**
 * Batches: many who want the same thing at the same time get it in one go. A command in a container
 * costs more than what it does.
 */

/** A batch begins no sooner than so long after the one before began. */
const APART_MS = 300;

/**
 * While one batch is at work the next one gathers; each caller waits for the batch that its items
 * are in.
 */
export function inBatches<T, R>(
  work: (items: readonly T[]) => Promise<R>,
): (items: readonly T[]) => Promise<R> {
  let gathering: { readonly items: T[]; readonly done: Promise<R> } | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let next = 0;
  const begin = async (batch: readonly T[]) => {
    const early = next - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    next = performance.now() + APART_MS;
    gathering = undefined;
    return work(batch);
  };
  return (items) => {
    if (!gathering) {
      const batch: T[] = [];
      const done = last.then(() => begin(batch));
      last = done.catch(() => {});
      gathering = { items: batch, done };
    }
    gathering.items.push(...items);
    return gathering.done;
  };
}
