/**
 * The policy that a world offers: what a sender that does discovery as RFC 8461 §3 has it gets from
 * it.
 */

import { parseStsPolicy, type StsPolicy } from '../protocol/sts-policy.ts';
import { selectStsRecord } from '../protocol/sts-record.ts';
import {
  type LabPlan,
  POLICY_PATH,
  type PolicyHostPlan,
  RIGHT_CERTIFICATES,
  type TlsPlan,
} from './plan.ts';
import { addressesOf, answerTo } from './zone.ts';

/** The id in the one usable record of the domain (RFC 8461 §3.1); undefined: there is none. */
export function announcedId({ dns }: LabPlan, domain: string): string | undefined {
  const answer = answerTo(dns, `_mta-sts.${domain}`, 'TXT');
  const records = answer.kind === 'records' ? answer.records : [];
  const texts = records.map((record) =>
    record.type === 'TXT' ? [record.text].flat().join('') : '',
  );
  const selected = selectStsRecord(texts);
  return selected.ok ? selected.value.id : undefined;
}

/**
 * The policy that every sound sender gets: its record can be used, and it comes whole, under status
 * 200 and as text/plain, over TLS that all have to speak, from a host that proves its name
 * (RFC 8461 §3.3). undefined: there is none, or not for all.
 */
export function offeredPolicy(plan: LabPlan, domain: string): StsPolicy | undefined {
  if (announcedId(plan, domain) === undefined) return undefined;
  const hosts = addressesOf(plan.dns, `mta-sts.${domain}`).map((host) => plan.policyHosts[host]);
  const policies = hosts.map((host) => host && servedPolicy(host));
  return policies.every((policy) => policy !== undefined) ? policies[0] : undefined;
}

function servedPolicy({ reach = 'open', tls = {}, pages }: PolicyHostPlan): StsPolicy | undefined {
  const page = pages[POLICY_PATH];
  if (!page || reach !== 'open' || !isRight(tls)) return undefined;
  const { status = 200, headers = {}, transfer = 'whole', body } = page;
  const type = 'content-type' in headers ? headers['content-type'] : 'text/plain';
  const isServed =
    status === 200 &&
    (transfer === 'whole' || transfer === 'chunked') &&
    /^text\/plain\s*(;|$)/i.test(type ?? '') &&
    ODD_ANSWER.every((word) => page[word] === undefined) &&
    (page.taken ?? 'always') === 'always';
  const policy = parseStsPolicy(body);
  return isServed && policy.ok ? policy.value : undefined;
}

/** What no client need cope with in an answer. */
const ODD_ANSWER = ['bodyBase64', 'coding', 'requests'] as const;

/** RFC 9325 §3.1.1: TLS 1.2 is what all have to speak, and nothing out of the ordinary. */
function isRight({
  certificate = 'right',
  minVersion = 'TLSv1.2',
  maxVersion = 'TLSv1.3',
  handshake = 'complete',
  certificateWithoutSni: _,
  ...others
}: TlsPlan): boolean {
  return (
    (RIGHT_CERTIFICATES as readonly string[]).includes(certificate) &&
    !NOT_FOR_ALL.includes(certificate) &&
    handshake === 'complete' &&
    minVersion <= 'TLSv1.2' &&
    maxVersion >= 'TLSv1.2' &&
    Object.values(others).every((value) => value === undefined)
  );
}

/** Right, and no RFC says that every client has to cope. */
const NOT_FOR_ALL: readonly string[] = [
  'many-names',
  'right-p384',
  'reversed-chain',
  'more-certificates',
  'cross-signed',
];
