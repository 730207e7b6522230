/**
 * Scenario: one variant of one YAML file, everything resolved, ready to run and to print as JSON.
 */

import type { DnsData } from './plan.ts';
import type { Capability } from './sender.ts';

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
  readonly domain: DomainSpec;
  readonly policy: PolicySpec;
  readonly steps: readonly Step[];
}

/** The recipient domain `victim.test` as honestly set up. */
export interface DomainSpec {
  /** Default: `mx1.victim.test` at 10. Every host gets an honest exchanger. */
  readonly mx: readonly { readonly host: string; readonly preference: number }[];
  /** The TLSRPT record; false for none. Default: an https endpoint of the lab. */
  readonly tlsrpt: boolean | string;
  /** More records of the zone. */
  readonly records: readonly ({ readonly name: string; readonly ttl?: number } & DnsData)[];
}

/** What the recipient domain publishes. */
export interface PolicySpec {
  /** `absent`: the domain has no MTA-STS at all. */
  readonly mode: 'enforce' | 'testing' | 'none' | 'absent';
  /** Seconds. */
  readonly maxAgeSeconds: number;
  /** mx patterns; default: the MX hosts. */
  readonly mx?: readonly string[];
  readonly id: string;
  /** The policy file, word for word, instead of one made from the fields above. */
  readonly text?: string;
  /** The TXT record at `_mta-sts`, word for word (an array: its character-strings). */
  readonly record?: string | readonly string[];
}

export interface Use {
  readonly name: string;
  readonly options: unknown;
}

export interface ExpectationUse extends Use {
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
    }
  | { readonly kind: 'advance'; readonly label: string; readonly seconds: number }
  | { readonly kind: 'restart'; readonly label: string }
  /** The queue is run while the named attacks are on. */
  | (Omit<SendStep, 'kind' | 'messages' | 'to'> & { readonly kind: 'flush' })
  /** Attacks lifted, queue flushed: everything that was queued must arrive. */
  | { readonly kind: 'recover'; readonly label: string }
  | { readonly kind: 'wait'; readonly label: string; readonly seconds: number };

export interface SendStep {
  readonly kind: 'send';
  readonly label: string;
  readonly under: readonly Use[];
  readonly expect: readonly ExpectationUse[];
  /** How many messages, one after the other. */
  readonly messages: number;
  /** Recipient domain; default `victim.test`. */
  readonly to: string;
}

/**
 * What a sender must declare for a scenario to be run on it: the scenario's own needs and those of
 * its steps.
 */
export function neededCapabilities(scenario: Scenario): Capability[] {
  const ofStep: Partial<Record<Step['kind'], Capability>> = {
    advance: 'time-travel',
    restart: 'restart',
    flush: 'queue',
    recover: 'queue',
  };
  return [
    ...new Set([...scenario.needs, ...scenario.steps.flatMap((step) => ofStep[step.kind] ?? [])]),
  ];
}
