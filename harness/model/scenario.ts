/**
 * Scenario: one variant of one YAML file, everything resolved and compiled, ready to run and to
 * print as JSON.
 */

import { z } from 'zod';
import { duration } from './duration.ts';
import type { MessageForm } from './message.ts';
import {
  certificateProfile,
  dnsRecord,
  type Immutable,
  testName,
  tlsaSpec,
  VICTIM,
} from './plan.ts';
import type { Capability } from './sender.ts';
import type { Stage } from './stage.ts';

export interface Scenario {
  /**
   * `starttls/stripped` or, with variants, `starttls/stripped@as-removed-line`: the file's place,
   * so it cannot drift.
   */
  readonly id: string;
  readonly file: string;
  readonly title: string;
  readonly why: string;
  /** Ids of requirements.ts; the first is the default one of the scenario's findings. */
  readonly requirements: readonly string[];
  /** What the sender must declare, or the scenario is `unsupported`. */
  readonly needs: readonly Capability[];
  /** As before the first step. */
  readonly domain: DomainSpec;
  readonly policy: PolicySpec;
  readonly stages: readonly Stage[];
}

// ---- what the recipient domain publishes ----

const mxHost = z
  .union([
    testName.describe('A host with preference 10.'),
    z.strictObject({
      host: testName.describe('The host name.'),
      preference: z.int().min(0).max(65_535).default(10).describe('The lowest is tried first.'),
      addresses: z
        .array(z.enum(['A', 'AAAA']))
        .min(1)
        .optional()
        .describe('The types of its address records. Default: A.'),
      certificate: certificateProfile
        .optional()
        .describe('The profile of its honest certificate. Default: right.'),
      port: z
        .int()
        .min(1)
        .max(65_535)
        .optional()
        .describe('It listens at this port too, for mail to by-port-N.D (capability smart-host).'),
      sendsRoot: z
        .boolean()
        .optional()
        .describe('It sends the root along, as DANE-TA wants it (RFC 7672 §3.1.2).'),
    }),
  ])
  .transform((mx) => (typeof mx === 'string' ? { host: mx, preference: 10 } : mx));

/** The recipient domain `victim.test`, as far as a file says how it is honestly set up. */
export const domainChange = z.strictObject({
  mx: z
    .array(mxHost)
    .optional()
    .describe('The MX hosts; each gets an honest exchanger. Default: mx1.victim.test.'),
  tlsrpt: z
    .union([z.boolean(), z.string().min(1), z.array(z.string()).min(1)])
    .optional()
    .describe(
      'Whether the domain asks for TLSRPT reports (RFC 8460), or its record, word for word; a list gives its character-strings one by one. Default: true.',
    ),
  dane: z
    .union([z.boolean(), z.array(tlsaSpec)])
    .optional()
    .describe(
      'Whether the MX hosts have TLSA records (RFC 7672), or which; each for every host. true: one 3 1 1 of the certificate. Default: false.',
    ),
  dnssec: z
    .union([z.boolean(), z.array(testName)])
    .optional()
    .describe(
      'Whether DNS is signed, or which zones are. true: the domain and its MX hosts. Default: as dane has it.',
    ),
  records: z.array(dnsRecord).optional().describe('More records of the zone.'),
  requiretls: z
    .boolean()
    .optional()
    .describe(
      "Whether the MX hosts offer REQUIRETLS inside TLS (RFC 8689 §2), and so does the exchanger of the sender's own domain, which then has a policy as well, so that bounces can be protected. Default: false.",
    ),
  others: z
    .record(testName, z.array(testName).min(1))
    .optional()
    .describe(
      'Other recipient domains, by name, with their MX hosts and no policy; a host that is new gets an honest exchanger.',
    ),
});
export type DomainChange = Immutable<z.output<typeof domainChange>>;
export interface DomainSpec extends DomainChange {
  readonly mx: NonNullable<DomainChange['mx']>;
  readonly tlsrpt: NonNullable<DomainChange['tlsrpt']>;
  readonly records: NonNullable<DomainChange['records']>;
}

const policyFields = z
  .strictObject({
    mode: z
      .enum(['enforce', 'testing', 'none'], { error: 'unknown mode' })
      .optional()
      .describe('Default: enforce (RFC 8461 §3.2).'),
    max_age: duration
      .optional()
      .describe('How long the policy may be cached: seconds, or 90s, 5m, 1h, 1d, 1w. Default: 1w.'),
    mx: z.array(z.string().min(1)).optional().describe('The mx patterns. Default: the MX hosts.'),
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
    record: z
      .union([z.string(), z.array(z.string()).min(1)])
      .optional()
      .describe(
        'The TXT record, word for word, instead of one made from the id; a list gives its character-strings.',
      ),
  })
  .transform(({ max_age, ...others }) => ({
    ...others,
    ...(max_age !== undefined && { maxAgeSeconds: max_age }),
  }));

/** The policy of `victim.test` as written, laid over the one before it. */
export const policyChange = z.union([
  z
    .literal('absent')
    .describe('The domain has no MTA-STS at all.')
    .transform((mode) => ({ mode })),
  policyFields,
]);

type PolicyFields = Immutable<z.output<typeof policyFields>>;
export interface PolicySpec extends Omit<PolicyFields, 'mode' | 'id' | 'maxAgeSeconds'> {
  /** `absent`: the domain has no MTA-STS at all. */
  readonly mode: NonNullable<PolicyFields['mode']> | 'absent';
  readonly maxAgeSeconds: number;
  readonly id: string;
}
export type PolicyChange = Partial<PolicySpec>;

// ---- what happens ----

export interface Use {
  readonly name: string;
  readonly options: unknown;
}

export interface ExpectationUse extends Use {
  /** It is about the recipients at this domain; default: about all. */
  readonly for?: string;
  /** Overrides the expectation's own. */
  readonly requirement?: string;
  /** Caps the finding: an unmet expectation is at most this. */
  readonly grade?: 'warn';
}

export type Step =
  /**
   * Honest delivery: the sender learns the policy. The positive control of warm-cache scenarios.
   */
  | { readonly kind: 'prime'; readonly label: string }
  | SendStep
  /** The domain publishes something else from now on. */
  | {
      readonly kind: 'publish';
      readonly label: string;
      readonly policy: PolicySpec;
      readonly domain: DomainSpec;
      /** Connections that the sender has kept open since the step before stay open. */
      readonly keepConnections?: boolean;
    }
  | {
      readonly kind: 'advance';
      readonly label: string;
      readonly seconds: number;
      /** A sender that has no way to age goes on without it. */
      readonly isOptional: boolean;
    }
  | { readonly kind: 'restart'; readonly label: string }
  /** The queue is run, or new policies are looked for, while the named attacks are on. */
  | FlushStep
  /** Attacks lifted, queue flushed: everything that was queued must arrive. */
  | { readonly kind: 'recover'; readonly label: string }
  | { readonly kind: 'wait'; readonly label: string; readonly seconds: number };

export interface FlushStep {
  readonly kind: 'flush' | 'refresh';
  readonly label: string;
  readonly under: readonly Use[];
  readonly expect: readonly ExpectationUse[];
  /** Facts, by name. */
  readonly observe?: readonly string[];
}

export interface SendStep extends Omit<FlushStep, 'kind'> {
  readonly kind: 'send';
  readonly messages: number;
  /** They are handed over together, and not one after the other. */
  readonly atOnce?: boolean;
  /** What the messages are like, where they are not plain. */
  readonly message?: MessageForm;
  /** Recipient domain; default `victim.test`. */
  readonly to: string;
  /** Domains of further recipients of each message. */
  readonly also?: readonly string[];
  /** Connections that the sender has kept open since the step before stay open. */
  readonly keepConnections: boolean;
}

/** The steps that have attacks and expectations. */
/** In steps of these kinds nothing is sent: what a sender does then, it does by itself. */
export const WITHOUT_MAIL: readonly Step['kind'][] = ['publish', 'advance', 'restart', 'wait'];

export function isJudged(step: Step): step is SendStep | FlushStep {
  return step.kind === 'send' || step.kind === 'flush' || step.kind === 'refresh';
}

/**
 * What a sender must declare for a scenario to be run on it: the scenario's own needs and those of
 * its steps.
 */
export function neededCapabilities({
  needs,
  stages,
}: Pick<Scenario, 'needs' | 'stages'>): Capability[] {
  return [...new Set([...needs, ...stages.flatMap(({ step }) => neededBy(step) ?? [])])];
}

/** Recipient domains of a step's messages. */
export function destinationsOf(step: Step): readonly string[] {
  return step.kind === 'send' ? [step.to, ...(step.also ?? [])] : [VICTIM];
}

/** `2 messages, one after the other, to victim.test, with the null reverse-path` */
export function messagesText(step: SendStep): string {
  const { messages, atOnce, message = {} } = step;
  const order = atOnce ? 'all at once' : 'one after the other';
  const many = messages === 1 ? 'A message' : `${messages} messages, ${order},`;
  const form = [
    message.from && 'from the null reverse-path',
    message.body && 'of 8-bit text',
    message.smtputf8 && 'with SMTPUTF8',
    message.size && `of ${message.size} bytes`,
    message.requiretls && 'asking for REQUIRETLS',
    message.tlsRequired && 'with TLS-Required: No',
    message.header && `with ${message.header}`,
    message.line && `with the line "${message.line}" in its text`,
  ].filter((part) => typeof part === 'string');
  return [`${many} to ${destinationsOf(step).join(' and ')}`, ...form].join(', ');
}

function neededBy(step: Step): Capability | undefined {
  switch (step.kind) {
    case 'send':
      return step.message?.requiretls || step.message?.tlsRequired ? 'requiretls' : undefined;
    case 'advance':
      return step.isOptional ? undefined : 'time-travel';
    case 'restart':
    case 'refresh':
      return step.kind;
    case 'flush':
    case 'recover':
      return 'queue';
    default:
      return undefined;
  }
}
