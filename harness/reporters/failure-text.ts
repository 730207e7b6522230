/**
 * Failure text: a failure is a sentence an operator can act on, with the requirement, what was
 * expected, what was seen, the observations that decided it, and what an attacker got. Not a
 * reporter; the text and JUnit reporters share it.
 *
 *   ✗ starttls/stripped@as-removed-line · postfix 3.10.13 · step 2 · MUST NOT
 *     RFC 8461 §5: under enforce, no delivery to a host that does not offer STARTTLS
 *     expected  deferred, nothing exposed
 *     actual    content delivered in clear to mx1.victim.test at +3.1 s
 *     because   EHLO 250 (changed on the path) → MAIL FROM 250 → RCPT TO 250 → 2048 bytes of mail in clear    evidence.ndjson #41–#47
 *     attacker  saw: "Subject: holdfast 7f3a…" and the whole message (2048 bytes, in clear)
 *
 * What the sender or the wire said is hostile; every line here is printable.
 */

import { shownOf } from '../model/causes.ts';
import { citation, requirementOf } from '../model/citation.ts';
import type { KnownNoMore } from '../model/known.ts';
import { plainName } from '../model/names.ts';
import type { Observation } from '../model/observation.ts';
import type { Shown } from '../model/reporter.ts';
import { isBinding, type Requirement } from '../model/requirements.ts';
import { neededCapabilities } from '../model/scenario.ts';
import { ofKind } from '../model/traffic.ts';
import {
  exposureOf,
  type Finding,
  type Grade,
  type Harm,
  type Trial,
  type Verdict,
} from '../model/verdict.ts';
import { printable } from '../protocol/printable.ts';

export const SYMBOL: Readonly<Record<Shown, string>> = {
  pass: '✓',
  warn: '!',
  fail: '✗',
  known: '~',
  'not-met': '○',
  inconclusive: '?',
  unsupported: '–',
};

/** The lines on one finding, the first flush left and the rest indented by two. */
export function describeFailure(verdict: Verdict, finding: Finding, trial: Trial): string[] {
  const plain = (text: string) => plainNames(text, trial);
  const requirement = requirementOf(finding.requirement);
  const decided = decidedBy(finding, trial);
  const saw = attackerSaw(finding, decided, trial);
  const facts: readonly (readonly [label: string, text: string])[] = [
    ['expected', printable(plain(finding.expected))],
    ['actual', printable(plain(finding.actual))],
    ...(decided.length > 0
      ? [
          [
            'because',
            `${chain(decided, plain)}    evidence.ndjson ${ranges(finding.because)}`,
          ] as const,
        ]
      : []),
    ...(finding.compared ?? [])
      .filter(({ differs }) => differs)
      .flatMap(({ what, reported, seen }) => [
        ['report', printable(plain(`${what}: ${reported}`))] as const,
        ['path', printable(plain(`${what}: ${seen}`))] as const,
      ]),
    ...(saw === undefined ? [] : [['attacker', `saw: ${saw}`] as const]),
    ...(finding.harm === 'mail-lost' ? [['harm', 'the message is lost'] as const] : []),
  ];
  return [
    title(shownOf(finding, { verdict }), verdict, [
      `step ${finding.step + 1}`,
      ...(requirement ? [weightOf(finding, requirement)] : []),
    ]),
    `  ${citation(finding.requirement)}`,
    ...facts.map(([label, text]) => `  ${label.padEnd(8)}  ${text}`),
  ];
}

/** `MUST`, and why a finding weighs otherwise than that: `SHOULD, and content was exposed`. */
export function weightOf({ grade, harm }: Finding, requirement: Requirement): string {
  const { level, basis } = requirement;
  if (grade === 'fail' && !isBinding(requirement) && harm !== undefined)
    return `${level}, and ${HARMED[harm]}`;
  if (grade !== 'warn' || !level.startsWith('MUST')) return level;
  if (harm === 'envelope') return `${level}, but only the envelope was exposed`;
  if (basis === 'derived') return `${level} by our inference`;
  return basis === 'prose' ? `${level} in prose only` : `${level}, but no mail was harmed`;
}

const HARMED: Readonly<Record<Harm, string>> = {
  clear: 'content was exposed',
  content: 'content was exposed',
  unheld: 'content was exposed',
  envelope: 'the envelope was exposed',
  'mail-lost': 'mail was lost',
  returned: 'mail was returned',
};

/**
 * Every finding of a verdict that is to be told, and its remarks. No lines for a pass without
 * remarks.
 */
export function describeVerdict(verdict: Verdict, trial: Trial): string[] {
  const told = toldFindings(verdict);
  const head =
    told.length === 0 && verdict.remarks.length > 0 ? [title(verdict.grade, verdict)] : [];
  const remarks = verdict.remarks.map(
    (remark) => `  remark    ${printable(plainNames(remark, trial))}`,
  );
  return [
    ...head,
    ...told.flatMap((finding) => describeFailure(verdict, finding, trial)),
    ...remarks,
  ];
}

/** `✓ starttls/stripped@as-removed-line · postfix 3.10.13`, and more parts. */
export function title(shown: Shown, verdict: Verdict, more: readonly string[] = []): string {
  const sender = [verdict.sender, verdict.senderVersion]
    .filter((part) => part !== '')
    .map((part) => printable(part, 40));
  return [`${SYMBOL[shown]} ${printable(verdict.scenario, 120)}`, sender.join(' '), ...more].join(
    ' · ',
  );
}

/** Findings that say something other than that all is well, the worst first. */
export function toldFindings(verdict: Verdict): Finding[] {
  const worst: readonly Grade[] = ['fail', 'inconclusive', 'warn'];
  return worst.flatMap((grade) => verdict.findings.filter((finding) => finding.grade === grade));
}

/** What the sender did not meet, and why that may be lawful. */
export function whyNotMet(verdict: Verdict, trial: Trial): string {
  const finding = verdict.findings.find(({ grade }) => grade === 'not-met');
  return printable(plainNames(finding?.actual ?? 'not met', trial));
}

/** Why a scenario is not for this sender: what it needs and the sender does not declare. */
export function whyUnsupported(verdict: Verdict, trial: Trial): string {
  const lacking = neededCapabilities(trial.scenario).filter(
    (need) => !trial.sender.capabilities.includes(need),
  );
  if (lacking.length > 0) return `the sender declares no ${lacking.join(', ')}`;
  return printable(
    verdict.findings.find((finding) => finding.grade === 'unsupported')?.actual ??
      verdict.remarks[0] ??
      'unsupported',
  );
}

/** What to do about an entry of a list of known failures that is known no more, on one line. */
export function noMoreLine({ sender, kind, entry }: KnownNoMore): string {
  const place = `${printable(entry.file, 200)}:${entry.line}`;
  const what = `${printable(entry.scenarios, 120)} · ${printable(sender, 40)}`;
  return kind === 'passes'
    ? `${SYMBOL.pass} ${what}: passes now; delete ${place}`
    : `${SYMBOL.fail} ${what}: fails still, and was known until ${printable(entry.until!, 40)} (${place})`;
}

/** The observations that decided a finding. */
export function decidedBy(finding: Finding, trial: Trial): Observation[] {
  const wanted = new Set(finding.because);
  return trial.evidence.observations.filter((seen) => wanted.has(seen.seq));
}

/** Names as the scenario writes them, in place of those of the run. Not yet printable. */
export function plainNames(text: string, trial: Trial): string {
  const tokens = new Set(
    ofKind(trial.evidence.observations, 'step-started').map((started) => started.label),
  );
  return [...tokens].reduce(plainName, text);
}

// ---- because ----

const LINKS_AT_HEAD = 4;
const LINKS_AT_TAIL = 3;

/**
 * An arrow chain of what was seen; a reply joins its command, repetition is counted, the middle of
 * a long chain is left out.
 */
function chain(decided: readonly Observation[], plain: (text: string) => string): string {
  const links: { text: string; times: number }[] = [];
  for (const [index, seen] of decided.entries()) {
    const before = decided[index - 1];
    const last = links.at(-1);
    if (seen.kind === 'smtp-reply' && last?.times === 1 && isReplyTo(seen, before)) {
      last.text += ` ${replyCode(seen)}`;
      continue;
    }
    const text = printable(plain(describeObservation(seen)), 90);
    if (last?.text === text) last.times++;
    else links.push({ text, times: 1 });
  }
  const texts = links.map(({ text, times }) => (times === 1 ? text : `${text} ×${times}`));
  const left = texts.length - LINKS_AT_HEAD - LINKS_AT_TAIL;
  const shown =
    left > 1
      ? [...texts.slice(0, LINKS_AT_HEAD), `… ${left} more …`, ...texts.slice(-LINKS_AT_TAIL)]
      : texts;
  return shown.join(' → ');
}

function isReplyTo(
  reply: Observation & { kind: 'smtp-reply' },
  command: Observation | undefined,
): boolean {
  return (
    command?.kind === 'smtp-command' &&
    command.connection === reply.connection &&
    command.verb === reply.to
  );
}

function replyCode(seen: Observation & { kind: 'smtp-reply' }): string {
  return `${printable(seen.reply.slice(0, 3))}${seen.changed ? ' (changed on the path)' : ''}`;
}

/** One observation in a few words. Not yet printable. */
export function describeObservation(seen: Observation): string {
  switch (seen.kind) {
    case 'step-started':
      return 'the step begins';
    case 'dns-query':
      return `${seen.type} ${seen.name}: ${seen.answer}`;
    case 'web-connection':
      return `connection to ${seen.host} (${seen.scheme})`;
    case 'web-closed':
      return `connection to ${seen.host} closed after ${seen.sentBytes} bytes`;
    case 'fetch-open':
      return `the connection is still open after ${seen.seconds} s`;
    case 'policy-request':
      return `${seen.method} ${seen.scheme}://${seen.host}${seen.path} ${seen.status || 'no answer'}`;
    case 'tls-handshake':
      return `TLS with ${seen.host} ${seen.result} (certificate ${seen.certificate}${seen.reason ? `, ${seen.reason}` : ''})`;
    case 'smtp-connection':
      return `connection to ${seen.mx}`;
    case 'smtp-command':
      if (seen.verb === 'MAIL')
        return `MAIL FROM${/ REQUIRETLS\b/i.test(seen.line) ? ', REQUIRETLS' : ''}`;
      return seen.verb === 'RCPT' ? 'RCPT TO' : seen.verb;
    case 'smtp-reply':
      return `${seen.to || 'greeting'} answered ${replyCode(seen)}`;
    case 'smtp-data':
      return `${seen.bytes} bytes of mail ${channel(seen)}`;
    case 'smtp-garbage':
      return `bytes out of place at ${seen.mx}`;
    case 'smtp-closed':
      return `${seen.mx} closed by the ${seen.by} (${seen.how})`;
    case 'message-accepted':
      return `accepted by ${seen.mx} ${channel(seen)}`;
    case 'message-submitted':
      return `message for ${seen.to} submitted`;
    case 'message-uncarried':
      return `the sender cannot be given the message: ${seen.detail}`;
    case 'sender-status':
      return `sender says ${seen.status}: ${seen.detail}`;
    case 'settle-timeout':
      return `no word from the sender for ${seen.boundMs / 1000} s`;
    case 'policies-refreshed':
      return 'the sender looked for new policies';
    case 'queue-flushed':
      return 'queue flushed';
    case 'queue-listed':
      return `${seen.tokens.length} messages still queued`;
    case 'time-advanced':
      return `${seen.seconds} s later`;
    case 'sender-restarted':
      return 'sender restarted';
    case 'reports-asked-for':
      return 'reports asked for';
    case 'sender-failed':
      return `sender failed: ${seen.detail}`;
    case 'report-received':
      return `report at ${seen.host}${seen.path ?? ''}${seen.problem ? ` (${seen.problem})` : ''}`;
    case 'lab-health':
      return `lab: event loop ${seen.eventLoopDelayMs} ms late, slowest answer ${seen.slowestAnswerMs} ms`;
    case 'flooded':
      return `more was seen than is kept of one trial, most of it ${seen.most}`;
    case 'lab-fault':
      return `lab fault: ${seen.detail}`;
  }
}

function channel({
  secure,
  authenticated,
}: {
  readonly secure: boolean;
  readonly authenticated: boolean;
}): string {
  if (!secure) return 'in clear';
  return authenticated ? 'over authenticated TLS' : 'over unauthenticated TLS';
}

const RANGES_SHOWN = 4;

/** `#41–#47, #52`; numbers in any order. */
function ranges(numbers: readonly number[]): string {
  const runs: { first: number; last: number }[] = [];
  for (const number of [...new Set(numbers)].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run && number === run.last + 1) run.last = number;
    else runs.push({ first: number, last: number });
  }
  const texts = runs.map(({ first, last }) =>
    first === last ? `#${first}` : `#${first}–#${last}`,
  );
  return [...texts.slice(0, RANGES_SHOWN), ...(texts.length > RANGES_SHOWN ? ['…'] : [])].join(
    ', ',
  );
}

// ---- attacker ----

/** What went over the connections that decided the finding; undefined when it did no such harm. */
export function attackerSaw(
  finding: Finding,
  decided: readonly Observation[],
  trial: Trial,
): string | undefined {
  const exposure = exposureOf(finding.harm);
  if (exposure === 'none') return undefined;
  const connections = new Set(
    decided.flatMap((seen) => ('connection' in seen ? [seen.connection] : [])),
  );
  const passed = trial.evidence.observations.filter(
    (seen) => 'connection' in seen && connections.has(seen.connection),
  );
  if (exposure === 'content') {
    const mail = ofKind(passed, 'smtp-data').find((data) => data.tokens.length > 0);
    if (!mail) return 'the whole message';
    const line = /^Subject:.*$/im.exec(mail.excerpt)?.[0] ?? mail.excerpt;
    return `"${printable(line.trim(), 60)}" and the whole message (${mail.bytes} bytes, ${channel(mail)})`;
  }
  const envelope = ofKind(passed, 'smtp-command').filter(
    ({ verb }) => verb === 'MAIL' || verb === 'RCPT',
  );
  const lines = [
    ...new Set(envelope.map(({ line }) => printable(plainNames(line, trial).trim(), 80))),
  ];
  return lines.length === 0 ? 'the envelope' : lines.slice(0, 3).join(', ');
}
