/** The name of a report's file (RFC 8460 §5.1), which says again what stands in the report. */

import { lowerAscii } from '../protocol/ascii.ts';
import { isDomain } from '../protocol/name.ts';
import { mailDomain } from './fields.ts';
import { type Findings, quote } from './finding.ts';
import type { ReadReport } from './report.ts';

const SECTION = 'RFC 8460 §5.1';

/** Checks a name; `path` is for the findings. */
export function checkFileName(
  name: string,
  { isGzip, report }: { readonly isGzip: boolean; readonly report: ReadReport },
  path: string,
  findings: Findings,
): void {
  const extension = isGzip ? 'json.gz' : 'json';
  if (!lowerAscii(name).endsWith(`.${extension}`))
    findings.add(
      'must',
      path,
      SECTION,
      `the extension ${extension}, as the content is`,
      quote(name),
    );
  const [, sender = '', domain = '', begin, end] = NAME.exec(name) ?? [];
  if (!isDomain(sender) || !isDomain(domain))
    return void findings.add(
      'should',
      path,
      SECTION,
      'SENDER!POLICY-DOMAIN!BEGIN!END, or that with !ID, before the extension',
      quote(name),
    );
  // §5.6: where they differ, the report is what counts.
  const add = (expected: string, found: string) =>
    findings.add('should', path, 'RFC 8460 §5.1, §5.6', expected, found);
  const contact = report.contact === undefined ? undefined : mailDomain(report.contact);
  if (contact !== undefined && lowerAscii(contact) !== lowerAscii(sender))
    add(`the domain of contact-info, ${quote(contact)}`, quote(sender));
  const domains = report.policies.flatMap(({ domain }) => domain ?? []);
  const isDane = report.policies.some(({ type }) => type === 'tlsa');
  if (
    domains.length > 0 &&
    !isDane &&
    !domains.some((one) => lowerAscii(one) === lowerAscii(domain))
  )
    add(`the policy-domain, ${quote(domains.join(', '))}`, quote(domain));
  for (const [seconds, ms, what] of [
    [begin, report.from, 'start'],
    [end, report.to, 'end'],
  ] as const) {
    // The last second of a day, and the midnight after it, are the same end.
    if (ms !== undefined && Math.abs(Number(seconds) - ms / 1000) > 1)
      add(`the ${what} of date-range, ${Math.floor(ms / 1000)}`, quote(seconds!));
  }
}

const NAME = /^([^!]+)!([^!]+)!(\d{1,12})!(\d{1,12})(?:![A-Za-z0-9]+)?\.json(?:\.gz)?$/i;
