/** A name was looked up in this step, or was not. */

import { z } from 'zod';
import { ofKind, seqs } from '../model/evidence.ts';
import type { Expectation } from '../model/verdict.ts';

const options = z.strictObject({
  name: z.string().describe('the name, as in the scenario'),
  type: z.string().default('TXT').describe('the record type'),
  never: z.boolean().default(false).describe('it must not have been looked up'),
});

export const expectation: Expectation<z.output<typeof options>> = {
  summary: 'a name was looked up in this step (or was not)',
  options,
  shorthand: 'name',
  requirement: '8461-3.1-txt-name',
  standsAlone: true,
  describe: ({ name, type, never }) => `${never ? 'no ' : ''}${type} query for ${name}`,
  judge(view, { name, type, never }) {
    const all = ofKind(view.now, 'dns-query');
    const queries = all.filter(
      (seen) =>
        seen.type === type && seen.name.toLowerCase() === view.qualified(name).toLowerCase(),
    );
    const actual = `${queries.length} ${type} queries`;
    if (all.length === 0)
      return { status: 'undecided', actual: 'the sender asked nothing', because: [] };
    return {
      status: queries.length > 0 === !never ? 'met' : 'unmet',
      actual,
      because: seqs(queries),
    };
  },
};
