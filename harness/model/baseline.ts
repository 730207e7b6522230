/**
 * The baseline plan: an honest world for a domain and its policy. Every attack starts from here.
 */

import { formatStsPolicy, parseStsPolicy } from '../protocol/sts-policy.ts';
import { formatStsRecord } from '../protocol/sts-record.ts';
import type { DnsRecord, LabPlan, PolicyHostPlan, ReportHostPlan, TlsaSpec } from './plan.ts';
import {
  ATTACKER,
  POLICY_HOST,
  POLICY_PATH,
  REPORT_HOST,
  SENDER_DOMAIN,
  SENDER_MX,
  STS_NAME,
  TLSRPT_NAME,
  VICTIM,
} from './plan.ts';
import type { DomainSpec, PolicySpec } from './scenario.ts';

export const DEFAULT_DOMAIN: DomainSpec = {
  mx: [{ host: `mx1.${VICTIM}`, preference: 10 }],
  tlsrpt: true,
  records: [],
};
export const DEFAULT_POLICY: PolicySpec = {
  mode: 'enforce',
  maxAgeSeconds: 604_800,
  id: 'honest1',
};

/**
 * RFC 8461 §3: TXT record, policy over HTTPS, MX hosts; RFC 8460 §3: the report endpoint; and the
 * sender's own domain, for bounces.
 */
export function baselinePlan(domain: DomainSpec, policy: PolicySpec): LabPlan {
  const { requiretls = false, others = {} } = domain;
  const otherHosts = Object.values(others).flat();
  const mxNames = [...new Set([...domain.mx.map((mx) => mx.host), ...otherHosts])];
  const offers = requiretls ? { requiretls } : {};
  return {
    dns: {
      records: [
        ...domain.mx.map(
          ({ host, preference }): DnsRecord => ({
            name: VICTIM,
            type: 'MX',
            preference,
            exchange: host,
          }),
        ),
        ...Object.entries(others).flatMap(([name, hosts]) =>
          hosts.map((exchange): DnsRecord => ({ name, type: 'MX', preference: 10, exchange })),
        ),
        ...mxNames.flatMap((host) => addressesIn(domain, host)),
        addressOf(POLICY_HOST),
        ...stsRecords(policy),
        ...tlsrptRecords(domain),
        { name: SENDER_DOMAIN, type: 'MX', preference: 10, exchange: SENDER_MX },
        addressOf(SENDER_MX),
        ...(requiretls ? HOME_POLICY_RECORDS : []),
        addressOf(`mx.${ATTACKER}`),
        addressOf(`mta-sts.${ATTACKER}`),
        ...tlsaRecords(domain),
        ...domain.records,
      ],
      rules: [],
      ...secureZones(domain),
    },
    policyHosts: {
      [POLICY_HOST]: policyHost(domain, policy),
      ...(requiretls && { [HOME_POLICY_HOST]: HOME_POLICY }),
      [`mta-sts.${ATTACKER}`]: { pages: {} },
    },
    mxHosts: {
      ...Object.fromEntries(otherHosts.map((host) => [host, offers])),
      ...Object.fromEntries(
        domain.mx.map(({ host, preference: _, addresses: __, port, ...tls }) => [
          host,
          { ...offers, ...(port && { port }), ...(Object.keys(tls).length > 0 && { tls }) },
        ]),
      ),
      [SENDER_MX]: offers,
      [`mx.${ATTACKER}`]: {},
    },
    reportHosts: domain.tlsrpt === false ? {} : { [REPORT_HOST]: reportHost(domain) },
  };
}

/**
 * The same world with no MTA-STS and no DANE in it at all, whatever the plan said: the negative
 * control.
 */
export function withoutPolicy(plan: LabPlan): LabPlan {
  const isSts = (name: string) =>
    name.toLowerCase().startsWith('_mta-sts.') || name.toLowerCase().startsWith('mta-sts.');
  return {
    ...plan,
    dns: {
      records: plan.dns.records.filter(({ name, type }) => !isSts(name) && type !== 'TLSA'),
      rules: plan.dns.rules.filter(({ name, type }) => !isSts(name) && type !== 'TLSA'),
    },
    policyHosts: Object.fromEntries(
      Object.keys(plan.policyHosts).map((name) => [name, { reach: 'refused', pages: {} } as const]),
    ),
  };
}

/**
 * The mx patterns that a policy names: RFC 8461 §3.2 "mx". Of a policy given word for word, those
 * that it holds, if it can be read.
 */
export function permittedMx(domain: DomainSpec, policy: PolicySpec): readonly string[] {
  const written = policy.text === undefined ? undefined : parseStsPolicy(policy.text);
  if (written?.ok && written.value.mx.length > 0) return written.value.mx;
  return policy.mx ?? [...new Set(domain.mx.map((mx) => mx.host))];
}

function addressOf(host: string): DnsRecord {
  return { name: host, type: 'A', host };
}

function addressesIn({ mx }: DomainSpec, name: string): DnsRecord[] {
  const types = mx.find(({ host }) => host === name)?.addresses ?? ['A'];
  return types.map((type) => ({ name, type, host: name }));
}

/** RFC 8689 §5: bounces go home as protected as what they are about, where home can be verified. */
const HOME_POLICY_HOST = `mta-sts.${SENDER_DOMAIN}`;
const HOME_POLICY_RECORDS: readonly DnsRecord[] = [
  { name: `_mta-sts.${SENDER_DOMAIN}`, type: 'TXT', text: formatStsRecord({ id: 'home1' }) },
  addressOf(HOME_POLICY_HOST),
];
const HOME_POLICY: PolicyHostPlan = {
  pages: { [POLICY_PATH]: { body: policyText('enforce', 604_800, [SENDER_MX]) } },
};

/** RFC 7672 §2.2.3: at the port and the name of each MX host. */
function tlsaRecords({ dane = false, mx }: DomainSpec): DnsRecord[] {
  const specs = dane === true ? [{ usage: 3, selector: 1, matching: 1 }] : dane || [];
  return mx.flatMap(({ host, certificate: profile }) =>
    specs.map(
      (spec: TlsaSpec): DnsRecord => ({
        name: `_25._tcp.${host}`,
        type: 'TLSA',
        ...spec,
        ...(spec.data === undefined && { of: { ...(profile && { profile }), ...spec.of } }),
      }),
    ),
  );
}

function secureZones({ dane = false, dnssec = dane !== false, mx }: DomainSpec) {
  if (dnssec === false) return {};
  return { secure: dnssec === true ? [VICTIM, ...mx.map(({ host }) => host)] : dnssec };
}

function stsRecords(policy: PolicySpec): DnsRecord[] {
  if (policy.mode === 'absent') return [];
  return [
    { name: STS_NAME, type: 'TXT', text: policy.record ?? formatStsRecord({ id: policy.id }) },
  ];
}

function tlsrptRecords(domain: DomainSpec): DnsRecord[] {
  if (domain.tlsrpt === false) return [];
  const text =
    domain.tlsrpt === true ? `v=TLSRPTv1; rua=https://${REPORT_HOST}/tlsrpt` : domain.tlsrpt;
  return [{ name: TLSRPT_NAME, type: 'TXT', text }, addressOf(REPORT_HOST)];
}

/** Whom a record asks to send reports in clear, which nobody should. */
function reportHost({ tlsrpt }: DomainSpec): ReportHostPlan {
  return /\bhttp:/i.test(String(tlsrpt)) ? { plainHttp: true } : {};
}

function policyHost(domain: DomainSpec, policy: PolicySpec): PolicyHostPlan {
  if (policy.mode === 'absent') return { reach: 'refused', pages: {} };
  const body =
    policy.text ?? policyText(policy.mode, policy.maxAgeSeconds, permittedMx(domain, policy));
  return { pages: { [POLICY_PATH]: { body } } };
}

/** A policy file as RFC 8461 §3.2 writes it, CRLF line ends. */
export function policyText(
  mode: 'enforce' | 'testing' | 'none',
  maxAgeSeconds: number,
  mx: readonly string[],
): string {
  return formatStsPolicy({ version: 'STSv1', mode, maxAgeSeconds, mx: [...mx], extensions: [] });
}
