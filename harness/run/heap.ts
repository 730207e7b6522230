/**
 * How much memory V8 may take for what is soon of no use. Left to itself it takes several times what
 * is in use, and a long run looks as if it grew.
 */

import { setFlagsFromString } from 'node:v8';

/** How much garbage may gather beyond what is in use, in percent of that. */
const GARBAGE_PERCENT = 45;
/** MiB; a thread has three of them (threads.ts). */
export const YOUNG_SPACE_MIB = 4;

/** From now on, this thread's young generation stays as small as it is: it reads, and hands over. */
export function keepHeapSmall(): void {
  setFlagsFromString(`--heap-growing-percent=${GARBAGE_PERCENT}`);
  // Helpers would take the core of another thread's trials, and young generations are small.
  setFlagsFromString('--no-parallel-scavenge');
  // Those of threads to come have their full size at once.
  setFlagsFromString(`--min-semi-space-size=${YOUNG_SPACE_MIB}`);
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** Trials are run in this thread: its young generation may grow. */
export function letHeapGrow(): void {
  setFlagsFromString('--semi-space-growth-factor=2');
}
