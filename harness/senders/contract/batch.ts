/**
 * Batches: many who want the same thing at the same time get it in one go. A command in a container costs more than what it does.
 */

/** While one batch is at work the next one gathers; each caller waits for the batch that its items are in. */
export function inBatches<T, R>(work: (items: readonly T[]) => Promise<R>): (items: readonly T[]) => Promise<R> {
  let gathering: { readonly items: T[]; readonly done: Promise<R> } | undefined;
  let last: Promise<unknown> = Promise.resolve();
  return (items) => {
    if (!gathering) {
      const batch: T[] = [];
      const done = last.then(() => {
        gathering = undefined;
        return work(batch);
      });
      last = done.catch(() => {});
      gathering = { items: batch, done };
    }
    gathering.items.push(...items);
    return gathering.done;
  };
}
