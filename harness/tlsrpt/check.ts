/**
 * The report itself (RFC 8460 §4): which of it is not as the RFC has it, and what it tells. It is
 * read as far as it can be: a member that is wrong does not take the others with it.
 *
 * The example of appendix B, and large senders, differ from the text in known ways. Those are
 * findings of the level `seen`.
 */

import { checkPolicy } from './check-policy.ts';
import { isUtcDay, mailDomain, readDate } from './fields.ts';
import { type Findings, quote, show } from './finding.ts';
import { type Json, type JsonObject, pathOf } from './json.ts';
import { checkNames, itemsOf, objectAt, textAt } from './members.ts';
import { Refusal } from './refusal.ts';
import type { ReadReport } from './report.ts';

const SECTION = 'RFC 8460 §4.4';
const NAMES = ['organization-name', 'date-range', 'contact-info', 'report-id', 'policies'] as const;

/**
 * What the report tells. Throws Refusal for a value that is no object, or of whose members none is a
 * report's.
 */
export function checkReport(value: Json, findings: Findings): ReadReport {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Refusal(
      `this is JSON, but no report: it is ${show(value)}, not an object`,
      'RFC 8460 §4',
    );
  const report = value as JsonObject;
  if (!NAMES.some((name) => report[name] !== undefined))
    throw new Refusal(
      `this is JSON, but no report: it has none of the members ${NAMES.join(', ')}`,
      'RFC 8460 §4.4',
    );
  checkStrings(value, '', findings);
  checkNames(report, '', NAMES, findings);
  const entries = itemsOf(report, 'policies', '', findings, {
    // §4: "MUST be an array and not a singular value".
    single: 'must',
    section: 'RFC 8460 §4',
  });
  if (entries?.length === 0)
    findings.add('must', 'policies', SECTION, 'at least one policy', 'an array, empty');
  return {
    organization: textAt(report, 'organization-name', '', findings),
    ...checkRange(report, findings),
    contact: checkContact(report, findings),
    id: textAt(report, 'report-id', '', findings),
    policies: (entries ?? []).map(({ value: entry, path }) => checkPolicy(entry, path, findings)),
  };
}

function checkRange(report: JsonObject, findings: Findings): Pick<ReadReport, 'from' | 'to'> {
  const range = objectAt(report, 'date-range', '', findings);
  if (range === undefined) return {};
  checkNames(range, 'date-range', ['start-datetime', 'end-datetime'], findings);
  const [from, to] = (['start-datetime', 'end-datetime'] as const).map((name) => {
    const path = `date-range.${name}`;
    const date = readDate(range[name]);
    if (date?.form === 'no-offset')
      findings.add(
        'seen',
        path,
        'RFC 8460 §4.4, RFC 3339 §5.6',
        'an offset from UTC at the end, such as Z',
        `${show(range[name])}, read as UTC`,
      );
    else if (date?.form !== 'strict')
      findings.add(
        'must',
        path,
        'RFC 8460 §4.4, RFC 3339 §5.6',
        'a date and time such as 2026-11-25T00:00:00Z',
        show(range[name]),
      );
    return date?.ms;
  });
  if (from === undefined || to === undefined) return { from, to };
  if (to < from)
    findings.add(
      'must',
      'date-range',
      SECTION,
      'an end after the start',
      'an end before the start',
    );
  else if (!isUtcDay(from, to))
    findings.add(
      'should',
      'date-range',
      'RFC 8460 §4.1',
      'a full day, from 00:00 to 24:00 UTC',
      `${show(range['start-datetime'])} to ${show(range['end-datetime'])}`,
    );
  return { from, to };
}

function checkContact(report: JsonObject, findings: Findings): string | undefined {
  const contact = textAt(report, 'contact-info', '', findings);
  if (contact === undefined || mailDomain(contact) !== undefined) return contact;
  const inside = /^(?:mailto:|.*<)([^<>]+?)>?$/i.exec(contact)?.[1];
  findings.add(
    'must',
    'contact-info',
    'RFC 8460 §4.4, RFC 5322 §3.4.1',
    'a bare mail address such as reports@example.com',
    quote(contact),
  );
  return inside !== undefined && mailDomain(inside) !== undefined ? inside : contact;
}

/** RFC 7493 §2.1: no string of an I-JSON text holds surrogates by themselves, or noncharacters. */
function checkStrings(value: Json, path: string, findings: Findings): void {
  if (typeof value === 'string') checkString(value, path, findings);
  else if (Array.isArray(value))
    for (const [index, item] of value.entries()) checkStrings(item, `${path}[${index}]`, findings);
  else if (typeof value === 'object' && value !== null)
    for (const [name, member] of Object.entries(value)) {
      checkString(name, pathOf(path, name), findings);
      checkStrings(member, pathOf(path, name), findings);
    }
}

function checkString(text: string, path: string, findings: Findings): void {
  if (!/[\p{Surrogate}\p{Noncharacter_Code_Point}]/u.test(text)) return;
  findings.add(
    'must',
    path,
    'RFC 8460 §4, RFC 7493 §2.1',
    'characters of Unicode',
    `a lone surrogate or a noncharacter in ${quote(text)}`,
  );
}
