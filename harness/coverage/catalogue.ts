/**
 * The catalogue of attacks: what the literature and the tools of the field know of, and the scenarios
 * that use it, or why none does (scenarios/catalogue.txt, by hand).
 */

/** `used`: scenarios do it. `open`: it can be written, and is not. `beyond`: it cannot. */
export type Use = 'used' | 'open' | 'beyond';

export interface Catalogued {
  /** `S01` */
  readonly id: string;
  readonly what: string;
  readonly use: Use;
  /** Words that select scenarios (model/selection.ts); none where it is not used. */
  readonly scenarios: readonly string[];
  /** Why it is not used. */
  readonly reason?: string;
}

const MARKS: Readonly<Record<string, Use>> = { '=': 'used', '~': 'open', '!': 'beyond' };

/** The attacks in the order of the text. Throws SyntaxError for a line that is none. */
export function readCatalogue(text: string): Catalogued[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, id, what, mark, rest] = /^([A-Z]\d\d) (.+?) ([=~!]) (.+)$/.exec(line) ?? [];
      if (id === undefined) throw new SyntaxError(`no attack of the catalogue: ${line}`);
      const use = MARKS[mark!]!;
      return use === 'used'
        ? { id, what: what!, use, scenarios: rest!.split(' ') }
        : { id, what: what!, use, scenarios: [], reason: rest! };
    });
}

/** How many of them are used, and how many can be written, used or not. */
export function countUses(attacks: readonly Catalogued[]) {
  const count = (...uses: readonly Use[]) => attacks.filter(({ use }) => uses.includes(use)).length;
  return { of: attacks.length, used: count('used'), writable: count('used', 'open') };
}
