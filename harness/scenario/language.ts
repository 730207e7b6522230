/**
 * The scenario language: every key a file may hold, what it takes and what it means. The loader
 * reads files by it, and the JSON Schema for editors is made from it, so the two cannot differ.
 *
 * Attacks, expectations and requirements are known only to the vocabulary. The loader reads each
 * use of one by itself (uses.ts), so that a problem in its options is told as one of that attack;
 * the JSON Schema puts them all in here.
 */

import { z } from 'zod';
import type { Attack } from '../model/attack.ts';
import { atMost } from '../model/duration.ts';
import { messageForm } from '../model/message.ts';
import { testName, VICTIM } from '../model/plan.ts';
import { domainChange, policyChange } from '../model/scenario.ts';
import { CAPABILITIES } from '../model/sender.ts';
import type { Expectation, Fact } from '../model/verdict.ts';

export interface Vocabulary {
  /** By the name used in YAML. */
  readonly attacks: ReadonlyMap<string, Attack>;
  readonly expectations: ReadonlyMap<string, Expectation>;
  readonly facts: ReadonlyMap<string, Fact>;
  /** Ids. */
  readonly requirements: ReadonlySet<string>;
}

/** Stands for the variant's own part, wherever a step names it. */
export const VARIANT = '$variant';

export type Language = ReturnType<typeof language>;
export type StepKind = keyof Language['steps'];

/** A domain, or the address literal of a host: `[mx1.victim.test]`. */
const destination = z
  .string()
  .regex(/^(?:\S+\.test\.?|\[[a-z0-9.-]+\.test\])$/i, 'only .test names')
  .transform((text, context) => {
    if (text.startsWith('[')) return text;
    const { data, error } = testName.safeParse(text);
    for (const { message } of error?.issues ?? [])
      context.addIssue({ code: 'custom', message, input: text });
    return data ?? z.NEVER;
  });

/** Of a step; the evidence of a trial has a bound. */
const MOST_MESSAGES = 100;
/** Of a message; RFC 5321 §4.5.3.1.8 has every server take 100. */
const MOST_RECIPIENTS = 100;

/** Steps that need nothing but a name may be written as that name. */
export const BARE_STEPS = [
  'prime',
  'restart',
  'flush',
  'refresh',
  'recover',
] as const satisfies readonly StepKind[];

/**
 * The schemas, given those of one attack in a list, of one expectation in a list, and of a
 * requirement's id.
 */
export function language(words: {
  attack: z.ZodType;
  expectation: z.ZodType;
  fact: z.ZodType<string>;
  requirement: z.ZodType<string>;
}) {
  const variantWord = z.literal(VARIANT).describe("The variant's own part.");
  const attacks = z.array(words.attack);
  const expectations = z.array(words.expectation).min(1);
  const under = z
    .union([variantWord, z.array(z.union([variantWord, words.attack]))])
    .optional()
    .describe('The attacks that are on during this step, applied in this order. Default: none.');
  const expect = z.union([variantWord, z.array(z.union([variantWord, words.expectation])).min(1)]);
  const label = z.string().min(1);
  const observe = z
    .array(words.fact)
    .min(1)
    .optional()
    .describe(
      'Points that the RFCs leave open: what the sender does there is told, and not graded.',
    );
  const keepConnections = z
    .boolean()
    .default(false)
    .describe('Connections that the sender has kept open since the step before stay open.');

  const steps = {
    prime: z.strictObject({
      prime: label.describe(
        'Honest delivery, by which the sender learns the policy. The value is a label.',
      ),
    }),
    send: z.strictObject({
      send: label.describe('Mail is submitted while the attacks are on. The value is a label.'),
      under,
      expect: expect.describe('What must be seen.'),
      observe,
      messages: z
        .int()
        .min(1)
        .max(
          MOST_MESSAGES,
          `expected no more than ${MOST_MESSAGES}: they are sent one after the other`,
        )
        .default(1)
        .describe('How many messages, one after the other.'),
      atOnce: z
        .boolean()
        .default(false)
        .describe('The messages are handed over together, and not one after the other.'),
      to: z
        .union([destination, z.array(destination).min(1).max(MOST_RECIPIENTS)])
        .default(VICTIM)
        .describe(
          'The recipient domain, or the address literal of a host, [mx1.victim.test]; of a list, each message has one recipient at each. The negative control is sent to the first.',
        ),
      message: z
        .union([variantWord, messageForm])
        .optional()
        .describe('What the messages are like; a sender that cannot be given such is unsupported.'),
      keepConnections,
    }),
    publish: z.strictObject({
      publish: label.describe(
        'The domain publishes something else from now on, under a new id unless one is given. The value is a label.',
      ),
      policy: z
        .union([variantWord, ...policyChange.options])
        .optional()
        .describe('Laid over the policy published so far.'),
      domain: z
        .union([variantWord, domainChange])
        .optional()
        .describe('Laid over the domain as it was so far.'),
      keepConnections,
    }),
    advance: z.strictObject({
      advance: atMost('520w').describe(
        'All that the sender remembers and all its queued mail gets older by this much.',
      ),
      optional: z
        .boolean()
        .default(false)
        .describe('A sender that has no way to age goes on without it.'),
    }),
    restart: z.strictObject({
      restart: label.describe('The sender is restarted. The value is a label.'),
    }),
    flush: z.strictObject({
      flush: label.describe('The queue is run while the attacks are on. The value is a label.'),
      under,
      expect: expect.optional().describe('What must be seen. Default: nothing in particular.'),
      observe,
    }),
    refresh: z.strictObject({
      refresh: label.describe(
        'The sender looks for new policies, as it does by itself from time to time, without any mail (capability refresh). The value is a label.',
      ),
      under,
      expect: expect.optional().describe('What must be seen. Default: nothing in particular.'),
      observe,
    }),
    recover: z.strictObject({
      recover: label.describe(
        'The attacks are lifted and the queue is run: everything queued must arrive. The value is a label.',
      ),
    }),
    wait: z.strictObject({
      wait: atMost('1d', 'a run waits for it; advance makes the sender older at once').describe(
        'Time passes.',
      ),
    }),
  };

  const variant = z.strictObject({
    title: z.string().min(1).optional().describe("Instead of the file's title."),
    requirements: z
      .array(words.requirement)
      .min(1)
      .optional()
      .describe("Instead of the file's requirements."),
    under: attacks.optional().describe('What `under: $variant` stands for.'),
    expect: expectations.optional().describe('What `expect: $variant` stands for.'),
    policy: policyChange.optional().describe("Laid over the file's policy."),
    domain: domainChange.optional().describe("Laid over the file's domain."),
    message: messageForm.optional().describe('What `message: $variant` stands for.'),
    publish: z
      .strictObject({
        policy: policyChange.optional().describe('What `policy: $variant` stands for.'),
        domain: domainChange.optional().describe('What `domain: $variant` stands for.'),
      })
      .optional()
      .describe('What a publish step takes from the variant.'),
  });

  const file = <S extends z.ZodType>(step: S) =>
    z.strictObject({
      title: z.string().min(1).describe('One sentence on what must happen.'),
      why: z.string().min(1).describe('What the attacker does, and why it matters.'),
      requirements: z
        .array(words.requirement)
        .min(1)
        .describe(
          'Ids of the requirements that the scenario tests. The first is that of its findings, unless an expectation has its own.',
        ),
      needs: z
        .array(z.enum(CAPABILITIES, { error: 'unknown capability' }))
        .default(['mta-sts'])
        .describe('What a sender must declare, or the scenario is unsupported.'),
      policy: policyChange
        .optional()
        .describe('What victim.test publishes. Default: enforce for a week.'),
      domain: domainChange
        .optional()
        .describe('How victim.test is set up. Default: one MX host, and TLSRPT.'),
      variants: z
        .record(
          z
            .string()
            .regex(
              /^[a-z0-9]+(-[a-z0-9]+)*$/,
              'a variant is named in small letters, digits and single hyphens',
            ),
          variant,
        )
        .refine((variants) => Object.keys(variants).length > 0, 'needs at least one variant')
        .meta({ minProperties: 1 })
        .optional()
        .describe('Each makes a scenario of its own.'),
      steps: z.array(step).min(1).describe('What happens, in this order.'),
    });

  return { file, steps };
}
