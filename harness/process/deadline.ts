/**
 * A deadline for work that nobody else could interrupt, such as matching a regular expression that
 * somebody else wrote: V8 ends what is called from a context with a time of its own.
 */

import vm from 'node:vm';

/**
 * A way to do such work, at once and in this thread. It returns false when the work was ended after
 * `withinMs`; what it throws is thrown. Each call costs some tenths of a millisecond.
 */
export function createDeadline(withinMs: number): (work: () => void) => boolean {
  const context = vm.createContext({ work: () => {} });
  const script = new vm.Script('work()');
  return (work) => {
    context.work = work;
    try {
      script.runInContext(context, { timeout: withinMs });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
      return false;
    } finally {
      context.work = undefined;
    }
  };
}
