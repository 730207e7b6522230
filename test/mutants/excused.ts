/**
 * Faults that no scenario can catch under a temperament, each with the reason; by hand.
 */

/** By temperament: faults that such a sender cannot commit, or not so that anybody sees it. */
export const EXCUSED: Readonly<Record<string, Readonly<Record<string, string>>>> = {};

/** Why this fault need not be caught under this temperament; undefined: it has to be. */
export const excuseOf = (fault: string, temperament: string): string | undefined =>
  EXCUSED[temperament]?.[fault];
