/**
 * Where a domain wants its reports (RFC 8460 §3), and which of them went elsewhere. No expectation
 * itself.
 */

import type { StepView } from '../model/evidence.ts';
import { LONGEST_PATH } from '../model/observation.ts';
import type { Seen } from '../model/traffic.ts';
import { ruleFor } from '../model/zone.ts';
import { mailboxOf, type ReportUri, selectTlsrptRecord } from '../protocol/tlsrpt-record.ts';

type Report = Seen<'report-received'>;

const LABELS = '_smtp._tls.';

/**
 * The URIs that the domain's records have named so far, with those of other names that a sender may
 * go by (§1.1: the TLSA base domain); undefined: it has no record, or an attack answers for it.
 */
export function wantedPlaces(view: StepView): readonly ReportUri[] | undefined {
  const names = view.domains.map((domain) => `${LABELS}${domain}`);
  const stages = view.trial.scenario.stages.slice(0, view.index + 1);
  const served = stages.flatMap(({ plan }) => {
    if (plan === undefined) return [];
    const texts = plan.dns.records.flatMap((one) =>
      one.type === 'TXT' && one.name.toLowerCase().startsWith(LABELS)
        ? [{ name: one.name, text: [one.text].flat().join('') }]
        : [],
    );
    return [...Map.groupBy(texts, ({ name }) => name.toLowerCase())].map(([name, all]) => ({
      isOwn: names.includes(view.qualified(name).toLowerCase()),
      isForged: ruleFor(plan.dns, name, 'TXT') !== undefined,
      texts: all.map(({ text }) => view.qualified(text)),
    }));
  });
  if (served.some(({ isForged }) => isForged)) return undefined;
  // What stays as it was from step to step is one.
  const once = [...new Map(served.map((one) => [JSON.stringify(one), one])).values()];
  const places = once.flatMap(({ texts, isOwn }) => {
    const record = selectTlsrptRecord(texts);
    return record.ok ? record.value.rua.map((uri) => ({ ...uri, isOwn })) : [];
  });
  const supported = places.filter(({ transport }) => transport !== 'unsupported');
  return supported.some(({ isOwn }) => isOwn) ? supported : undefined;
}

/** Whether a report went to one of these. */
export function isSentTo(places: readonly ReportUri[], { mail, host, path }: Report): boolean {
  if (mail) {
    const to = mail.to.map((mailbox) => mailbox.toLowerCase());
    const wanted = places.filter(({ transport }) => transport === 'mailto');
    return wanted.some(({ uri }) => {
      const mailboxes = mailboxOf(uri)?.toLowerCase();
      // RFC 6068 §2: there may be several in one URI, or none before its "?".
      return [mailboxes, ...(mailboxes?.split(',') ?? [])].some(
        (one) => one === undefined || to.includes(one),
      );
    });
  }
  // Kept by an older version, or cut short.
  if (path === undefined || path.length >= LONGEST_PATH) return true;
  const urls = places.flatMap(({ uri, transport }) =>
    transport === 'https' && URL.canParse(uri) ? new URL(uri) : [],
  );
  // The name in the URI may be another name of the host.
  const here = urls.filter((url) => url.hostname.replace(/\.$/, '') === host.toLowerCase());
  return (here.length > 0 ? here : urls).some((url) => spelt(url) === speltIn(path));
}

/** `posted to https://tlsrpt.victim.test/a`, `mailed to tlsrpt@victim.test`. */
export function wayOf({ mail, host, path }: Report): string {
  return mail ? `mailed to ${mail.to.join(', ')}` : `posted to ${host}${path ?? ''}`;
}

/** RFC 9112 §3.2: the target of a request is a path, or a whole URI. */
function speltIn(path: string): string {
  const uri = path.startsWith('/') ? `https://host.test${path}` : path;
  return URL.canParse(uri) ? spelt(new URL(uri)) : path;
}

/** RFC 3986 §6.2.2.2: what is encoded may stand there as it is. RFC 8460 §3 has "!" and "," encoded. */
function spelt({ pathname, search }: URL): string {
  try {
    return decodeURIComponent(`${pathname}${search}`);
  } catch {
    return `${pathname}${search}`;
  }
}
