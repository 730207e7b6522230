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
import { VICTIM } from '../model/plan.ts';
import type { DomainSpec, PolicySpec } from '../model/scenario.ts';
import { CAPABILITIES } from '../model/sender.ts';
import type { Expectation } from '../model/verdict.ts';
import { duration } from '../yaml/duration.ts';

export interface Vocabulary {
  /** By the name used in YAML. */
  readonly attacks: ReadonlyMap<string, Attack>;
  readonly expectations: ReadonlyMap<string, Expectation>;
  /** Ids. */
  readonly requirements: ReadonlySet<string>;
}

/** Stands for the variant's own part, wherever a step names it. */
export const VARIANT = '$variant';

/** A policy as written, laid over the one before it. */
export type PolicyChange = Partial<PolicySpec>;
export type DomainChange = Partial<DomainSpec>;

export type Language = ReturnType<typeof language>;
export type StepKind = keyof Language['steps'];

/** Steps that need nothing but a name may be written as that name. */
export const BARE_STEPS = [
  'prime',
  'restart',
  'flush',
  'recover',
] as const satisfies readonly StepKind[];

/**
 * The schemas, given those of one attack in a list, of one expectation in a list, and of a
 * requirement's id.
 */
export function language(words: {
  attack: z.ZodType;
  expectation: z.ZodType;
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
      messages: z.int().min(1).default(1).describe('How many messages, one after the other.'),
      to: testName.default(VICTIM).describe('The recipient domain.'),
    }),
    publish: z.strictObject({
      publish: label.describe(
        'The domain publishes something else from now on, under a new id unless one is given. The value is a label.',
      ),
      policy: z
        .union([variantWord, ...policy.options])
        .optional()
        .describe('Laid over the policy published so far.'),
      domain: z
        .union([variantWord, domain])
        .optional()
        .describe('Laid over the domain as it was so far.'),
    }),
    advance: z.strictObject({
      advance: duration.describe(
        'All that the sender remembers and all its queued mail gets older by this much.',
      ),
    }),
    restart: z.strictObject({
      restart: label.describe('The sender is restarted. The value is a label.'),
    }),
    flush: z.strictObject({
      flush: label.describe('The queue is run while the attacks are on. The value is a label.'),
      under,
      expect: expect.optional().describe('What must be seen. Default: nothing in particular.'),
    }),
    recover: z.strictObject({
      recover: label.describe(
        'The attacks are lifted and the queue is run: everything queued must arrive. The value is a label.',
      ),
    }),
    wait: z.strictObject({
      wait: duration.describe('Time passes.'),
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
    policy: policy.optional().describe("Laid over the file's policy."),
    domain: domain.optional().describe("Laid over the file's domain."),
    publish: z
      .strictObject({
        policy: policy.optional().describe('What `policy: $variant` stands for.'),
        domain: domain.optional().describe('What `domain: $variant` stands for.'),
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
      policy: policy
        .optional()
        .describe('What victim.test publishes. Default: enforce for a week.'),
      domain: domain
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

const testName = z
  .string()
  // Runs make every `.test` name their own (model/names.ts); any other name would be somebody's.
  .regex(/^\S+\.[tT][eE][sS][tT]\.?$/, 'only .test names');
const testNameOrRoot = z.union([testName, z.literal('.')]);
const byte = z.int().min(0).max(255);
const preference = z.int().min(0).max(65_535);
const text = z.union([z.string(), z.array(z.string()).min(1)]);

const named = {
  name: testName.describe('The owner name.'),
  ttl: z.int().min(0).max(2_147_483_647).optional().describe('Seconds. Default: 0.'),
};
const record = z.discriminatedUnion('type', [
  z.strictObject({
    ...named,
    type: z.literal('A').describe('An address.'),
    host: z
      .union([z.ipv4('expected a .test name or an IPv4 address'), testName])
      .describe("A host of the scenario, for that host's address, or an IPv4 address."),
  }),
  z.strictObject({
    ...named,
    type: z.literal('MX').describe('A mail exchanger.'),
    preference: preference.describe('The lowest is tried first.'),
    exchange: testNameOrRoot.describe('Its host name; `.` for none (RFC 7505).'),
  }),
  z.strictObject({
    ...named,
    type: z.literal('TXT').describe('A text.'),
    text: text.describe('The text; a list gives its character-strings one by one.'),
  }),
  z.strictObject({
    ...named,
    type: z.literal('CNAME').describe('An alias.'),
    target: testName.describe('The name it leads to.'),
  }),
  z.strictObject({
    ...named,
    type: z.literal('TLSA').describe('A certificate association (RFC 6698).'),
    usage: byte.describe('Certificate usage.'),
    selector: byte.describe('Selector.'),
    matching: byte.describe('Matching type.'),
    data: z
      .string()
      .regex(/^([0-9a-fA-F]{2})+$/, 'expected pairs of hex digits')
      .describe('Certificate association data, in hex.'),
  }),
]);

const mxHost = z
  .union([
    testName.describe('A host with preference 10.'),
    z.strictObject({
      host: testName.describe('The host name.'),
      preference: preference.default(10).describe('The lowest is tried first.'),
    }),
  ])
  .transform((mx) => (typeof mx === 'string' ? { host: mx, preference: 10 } : mx));

const domain = z.strictObject({
  mx: z
    .array(mxHost)
    .optional()
    .describe('The MX hosts; each gets an honest exchanger. Default: mx1.victim.test.'),
  tlsrpt: z
    .union([z.boolean(), z.string().min(1)])
    .optional()
    .describe(
      'Whether the domain asks for TLSRPT reports (RFC 8460), or its record, word for word. Default: true.',
    ),
  records: z.array(record).optional().describe('More records of the zone.'),
});

const policy = z.union([
  z
    .literal('absent')
    .describe('The domain has no MTA-STS at all.')
    .transform((mode): PolicyChange => ({ mode })),
  z
    .strictObject({
      mode: z
        .enum(['enforce', 'testing', 'none'], { error: 'unknown mode' })
        .optional()
        .describe('Default: enforce (RFC 8461 §3.2).'),
      max_age: duration
        .optional()
        .describe(
          'How long the policy may be cached: seconds, or 90s, 5m, 1h, 1d, 1w. Default: 1w.',
        ),
      mx: z.array(z.string().min(1)).optional().describe('mx patterns. Default: the MX hosts.'),
      id: z
        .string()
        // RFC 8461 §3.1: sts-id is 1*32(ALPHA / DIGIT).
        .regex(
          /^[A-Za-z0-9]{1,32}$/,
          'an id is 1 to 32 letters and digits; any other can be given in `record`',
        )
        .optional()
        .describe('The id in the TXT record.'),
      text: z
        .string()
        .optional()
        .describe('The policy file, word for word, instead of one made from mode, max_age and mx.'),
      record: text
        .optional()
        .describe(
          'The TXT record, word for word, instead of one made from the id; a list gives its character-strings.',
        ),
    })
    .transform(
      ({ max_age: maxAgeSeconds, ...others }): PolicyChange =>
        maxAgeSeconds === undefined ? others : { ...others, maxAgeSeconds },
    ),
]);
