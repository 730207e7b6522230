/**
 * A small vocabulary for the tests of the scenario language: attacks and expectations of the real
 * kind, and few of them.
 */

import { z } from 'zod';
import type { Attack } from '../../harness/model/attack.ts';
import { changeMx } from '../../harness/model/plan-changes.ts';
import type { Expectation } from '../../harness/model/verdict.ts';
import type { Vocabulary } from '../../harness/scenario/language.ts';

const stripOptions = z.strictObject({
  how: z.enum(['remove', 'overwrite']).default('remove').describe('what becomes of the line'),
  mx: z.string().or(z.array(z.string())).default('*').describe('MX host, or a list of them'),
});

const strip: Attack<z.output<typeof stripOptions>> = {
  summary: 'Takes STARTTLS out of the EHLO reply',
  options: stripOptions,
  shorthand: 'how',
  example: '- strip-starttls: overwrite',
  apply: (plan, { how, mx }) =>
    changeMx(plan, mx, (host) => ({
      ...host,
      beforeTls: {
        ehlo: how === 'remove' ? { remove: ['STARTTLS'] } : { overwrite: { STARTTLS: 'XXXXXXXA' } },
      },
    })),
};

const replyOptions = z.strictObject({
  code: z.int().min(200).max(599).describe('the reply code'),
  when: z
    .discriminatedUnion('on', [
      z.strictObject({ on: z.literal('verb'), verb: z.string() }),
      z.strictObject({ on: z.literal('connection'), nth: z.array(z.int().min(1)).min(1) }),
    ])
    .optional()
    .describe('when'),
});

/** Loose on purpose: the loader makes it strict. */
const reply: Attack<z.output<typeof replyOptions>> = {
  summary: 'Answers with another code',
  options: z.object(replyOptions.shape),
  example: '- reply: { code: 450 }',
  apply: (plan, { code }) =>
    changeMx(plan, '*', (host) => ({ ...host, greeting: { text: `${code} a` } })),
};

const met = () => ({ status: 'met', actual: '', because: [] }) as const;
const deliveredOptions = z.strictObject({
  channel: z.enum(['authenticated', 'plain']).optional().describe('over which channel'),
});

const expectations: Record<string, Expectation> = {
  enforced: {
    summary: 'no mail over a channel the policy forbids',
    options: z.strictObject({}),
    example: '- enforced',
    describe: () => 'enforced',
    judge: met,
  },
  delivered: {
    summary: 'the mail arrives',
    options: deliveredOptions,
    shorthand: 'channel',
    example: '- delivered: plain',
    describe: () => 'delivered',
    judge: met,
  },
};

export const vocabulary: Vocabulary = {
  attacks: new Map<string, Attack>([
    ['strip-starttls', strip],
    ['reply', reply],
  ]),
  expectations: new Map(Object.entries(expectations)),
  facts: new Map([['outcome', { summary: 'what becomes of the mail', observe: () => undefined }]]),
  requirements: new Set(['8461-5-enforce', '8461-5-transient', '8461-3.1-id']),
};

/** What every file must have, but for its steps. */
export const HEAD = `title: Held
why: Because.
requirements: [8461-5-enforce]
`;
