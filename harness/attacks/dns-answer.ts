/**
 * The name server answers one question otherwise: an error, silence, a delay, a forged AD bit,
 * forged records, or a packet that is no answer. The general form of hide-sts-record and hide-mx.
 */

import type { Attack } from '../model/attack.ts';
import type { DnsRule } from '../model/plan.ts';
import { dnsRule } from '../model/plan.ts';
import { addDnsRule } from '../model/plan-changes.ts';

export const attack: Attack<DnsRule> = {
  summary: 'Answers one DNS question with an error, silence, a delay or forged records',
  options: dnsRule,
  example: [
    '- dns-answer: { name: mta-sts.victim.test, type: A, answer: servfail, ede: { code: 6 } }',
    '- dns-answer: { name: victim.test, type: MX, packet: wrong-id, answer: nxdomain, followed: true }',
    '- dns-answer:',
    '    name: victim.test',
    '    type: MX',
    '    additional: [{ name: mx1.victim.test, type: A, host: mx.attacker.test }]',
  ].join('\n'),
  apply: addDnsRule,
};
