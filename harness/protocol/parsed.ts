/**
 * Parsed: what a parser says. Parsers here never throw: the text they read comes from a network
 * under attack.
 */

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly violation: Violation };

/** Which rule a text breaks, and where. */
export interface Violation {
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

/** What carries a value. */
export function ok<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

/** What says that a rule is broken. */
export function fail(violation: Violation): Parsed<never> {
  return { ok: false, violation };
}
