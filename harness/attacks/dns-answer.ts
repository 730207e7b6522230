/**
 * The name server answers one question otherwise: an error, silence, a delay, a forged AD bit or
 * forged records. The general form of hide-sts-record and hide-mx.
 */

import type { Attack } from '../model/attack.ts';
import type { DnsRule } from '../model/plan.ts';
import { dnsRule } from '../model/plan.ts';
import { addDnsRule } from '../model/plan-changes.ts';

export const attack: Attack<DnsRule> = {
  summary: 'Answers one DNS question with an error, silence, a delay or forged records',
  options: dnsRule,
  example: '- dns-answer: { name: mta-sts.victim.test, type: A, answer: servfail }',
  apply: addDnsRule,
};
