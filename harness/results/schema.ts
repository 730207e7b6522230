/**
 * The shape of a result file, which the json reporter writes: what a file is checked by when it is
 * read again, and the JSON Schema that is published for other programs (`holdfast schema --results`).
 *
 * Within a `schemaVersion` members are only added: every object may have more of them than stand
 * here. What is a plain string here may get more values (capabilities, harms, what was reached).
 */

import { z } from 'zod';
import { GRADES } from '../model/verdict.ts';

/** Of the json reporter. */
export const RESULT_VERSION = 3;

const count = z.int().min(0);
const counts = z
  .looseObject({
    pass: count,
    warn: count,
    fail: count.describe('Failures that are not listed as known.'),
    known: count.describe('Failures that are listed as known.'),
    'not-met': count,
    inconclusive: count,
    unsupported: count,
  })
  .describe('How many verdicts are shown as what; a known failure counts only as known.');

const known = z
  .looseObject({
    scenarios: z.string().describe('A scenario, a variant, a folder or a pattern.'),
    reason: z.string(),
    link: z.string().optional().describe('Where more is said.'),
    until: z
      .string()
      .optional()
      .describe('The last day on which it is known, or the first version that must not fail.'),
    file: z.string().describe('Where it stands.'),
    line: z.int().min(1),
  })
  .describe('An entry of a list of known failures.');

const finding = z.looseObject({
  step: count.describe('The step of the scenario, from 0.'),
  expectation: z.string(),
  requirement: z.string().describe('The id of what the RFC asks.'),
  level: z.string().optional().describe('MUST, MUST NOT, SHOULD, SHOULD NOT or MAY.'),
  citation: z.string().optional().describe('RFC, section, and what it asks in our words.'),
  grade: z.enum(GRADES),
  expected: z.string(),
  actual: z.string().describe('May hold words of the sender: hostile input.'),
  because: z.array(count).describe('The numbers of the observations that decide it.'),
  harm: z.string().optional().describe("What the sender's user lost by it."),
  compared: z
    .array(
      z.looseObject({
        what: z.string(),
        reported: z.string(),
        seen: z.string(),
        differs: z.boolean(),
      }),
    )
    .optional()
    .describe('A TLSRPT report beside what the path saw. May hold words of the sender.'),
});

const verdict = z.looseObject({
  scenario: z.string().describe('An id of `scenarios`.'),
  sender: z.string().describe('A name of `senders`.'),
  senderVersion: z.string(),
  grade: z.enum(GRADES).describe('Of a failure that is listed, too: then `known` is there.'),
  findings: z.array(finding),
  remarks: z.array(z.string()).describe('Sentences that do not change the grade.'),
  facts: z
    .array(
      z.looseObject({
        fact: z.string(),
        step: count.describe('The step of the scenario, from 0.'),
        point: z.string().describe('What the RFCs leave open.'),
        seen: z.string().describe('What the sender did there.'),
        because: z.array(count).describe('The numbers of the observations that show it.'),
      }),
    )
    .optional()
    .describe('What was seen at points that the RFCs leave open. It grades nothing.'),
  exposure: z
    .enum(['none', 'envelope', 'content'])
    .describe('The worst that an attacker saw of a message.'),
  durationMs: z.number().min(0),
  known: known.optional(),
  isRun: z.boolean().describe('There was a trial; what a sender does not support may have none.'),
  reach: z.array(z.string()).describe('How far the sender came under attack.'),
});

/** What a result file holds. */
export const resultDocument = z
  .looseObject({
    schemaVersion: z.literal(RESULT_VERSION),
    holdfast: z.string().describe('The version that ran; empty: not known.'),
    node: z.string(),
    startedAt: z.iso.datetime().describe('RFC 3339, UTC.'),
    elapsedMs: z.number().min(0),
    interrupted: z.boolean().describe('The run was stopped before every scenario was judged.'),
    suite: z.string().describe('The same for the same scenarios.'),
    selected: count.optional().describe('How many scenarios the suite has, in all its shards.'),
    shard: z
      .looseObject({ index: z.int().min(1), of: z.int().min(1) })
      .optional()
      .describe('The part of the suite that this is.'),
    strict: z.boolean().optional().describe('Warnings, and what was not met, count as failures.'),
    evidenceDir: z.string().optional().describe('Where the evidence was kept.'),
    summary: counts,
    senders: z.array(
      z.looseObject({
        name: z.string(),
        version: z.string(),
        summary: z.string(),
        capabilities: z.array(z.string()).describe('What it declares.'),
        counts,
      }),
    ),
    skippedSenders: z
      .array(
        z.looseObject({
          name: z.string(),
          reason: z.string(),
          isBroken: z
            .boolean()
            .optional()
            .describe('It broke, or could not be started; else something lacks on the machine.'),
        }),
      )
      .describe('Senders that could not be run, or not to the end.'),
    scenarios: z.array(
      z.looseObject({
        id: z.string(),
        file: z.string(),
        title: z.string(),
        why: z.string(),
        requirements: z.array(z.string()),
        needs: z.array(z.string()).describe('What a sender must declare.'),
      }),
    ),
    verdicts: z.array(verdict),
    knownLists: z
      .array(z.looseObject({ sender: z.string(), entries: z.array(known) }))
      .describe('What is listed as known of each sender.'),
    knownNoMore: z
      .array(
        z.looseObject({
          sender: z.string(),
          kind: z
            .enum(['passes', 'past'])
            .describe('passes: the entry can go. past: it fails still, after its day or version.'),
          entry: known,
        }),
      )
      .describe('Entries that are wrong.'),
  })
  .describe('What a run of Holdfast found. Within a schemaVersion, members are only added.');

/** The JSON Schema (draft 2020-12) of result files. */
export function resultJsonSchema(): object {
  return z.toJSONSchema(resultDocument.meta({ title: 'Holdfast results' }), {
    target: 'draft-2020-12',
    io: 'input',
  });
}
