/**
 * Result: what a parser says. Parsers here never throw: the text they read comes from a network
 * under attack.
 */

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: Problem };

/** Which rule a text breaks, and where. */
export interface Problem {
  /** Short kebab-case id, stable: `id-syntax`. */
  readonly rule: string;
  /** `RFC 8461 §3.2` */
  readonly section: string;
  /** A sentence for the operator who has to mend the text. */
  readonly message: string;
  /** From 1, where the text has lines. */
  readonly line?: number;
  /** From 1, in UTF-16 code units. */
  readonly column?: number;
}

/** The result that carries a value. */
export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

/** The result that carries a problem. */
export function fail(problem: Problem): Result<never> {
  return { ok: false, problem };
}
