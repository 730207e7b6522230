/**
 * TLSRPT reports as expectations read them: those of this step about the scenario's domain, as far
 * as each can be read, and which sessions they can be about. No expectation itself.
 */

import type { Way } from '../model/changes.ts';
import type { StepView } from '../model/evidence.ts';
import { VICTIM } from '../model/plan.ts';
import { isBefore, ofKind, type Seen, type Session, seqs, sessionsOf } from '../model/traffic.ts';
import type { Judgement } from '../model/verdict.ts';
import { plainName } from '../model/zone.ts';
import { checkReport } from '../tlsrpt/check.ts';
import { openFindings } from '../tlsrpt/finding.ts';
import type { Json } from '../tlsrpt/json.ts';
import { Refusal } from '../tlsrpt/refusal.ts';
import type { ReadPolicy, ReadReport } from '../tlsrpt/report.ts';
import { isSentTo, wantedPlaces, wayOf } from './report-places.ts';

export interface ReadReports {
  readonly received: readonly Seen<'report-received'>[];
  /** Those that went where the domain does not want them; they are in none of the others. */
  readonly astray: readonly Seen<'report-received'>[];
  readonly reports: readonly ReadReport[];
  /** Policies of the scenario's domain in these reports. */
  readonly policies: readonly ReadPolicy[];
  /** Why a report cannot be read. */
  readonly problems: readonly string[];
  /** The sender was asked for its reports in this step. */
  readonly asked: readonly Seen<'reports-asked-for'>[];
}

/** Of the reports that went where the domain wants them. */
export function readReports(view: StepView): ReadReports {
  const places = wantedPlaces(view);
  const isHome = (one: Seen<'report-received'>) => places === undefined || isSentTo(places, one);
  return readFrom(view, isHome);
}

/** Of all reports, wherever they went. */
export function readAllReports(view: StepView): ReadReports {
  return readFrom(view, () => true);
}

function readFrom(
  view: StepView,
  isCounted: (report: Seen<'report-received'>) => boolean,
): ReadReports {
  const all = ofKind(view.now, 'report-received');
  const received = all.filter(isCounted);
  const read = received.map(readReport);
  const reports = distinct(read);
  return {
    received,
    astray: all.filter((one) => !received.includes(one)),
    reports,
    policies: ownPolicies(view, reports),
    problems: read.filter((one) => typeof one === 'string'),
    asked: ofKind(view.now, 'reports-asked-for'),
  };
}

/** RFC 8460 §3: one that goes to several places is one report. */
export function distinct(read: readonly (ReadReport | string)[]): ReadReport[] {
  const readable = read.filter((one) => typeof one !== 'string');
  return [...new Map(readable.map((one) => [JSON.stringify(one), one])).values()];
}

export function ownPolicies(view: StepView, reports: readonly ReadReport[]): ReadPolicy[] {
  return reports.flatMap(({ policies }) => policies).filter((one) => isOwn(view, one));
}

/** What there is to say where no report came; undefined: one did, or can be judged. */
export function silence(
  view: StepView,
  { received, astray, asked }: ReadReports,
): Judgement | undefined {
  const { capabilities } = view.trial.sender;
  if (!capabilities.includes('tlsrpt') && !capabilities.includes('tlsrpt-mail'))
    return { status: 'unsupported', actual: 'the sender declares no TLSRPT', because: [] };
  if (received.length > 0) return undefined;
  const [stray] = astray;
  if (stray)
    return { status: 'unmet', actual: `${wayOf(stray)}, and nowhere else`, because: seqs(astray) };
  if (asked.length === 0)
    return {
      status: 'unobserved',
      actual: 'not observed: no report came, and the sender cannot be told to send one',
      because: [],
    };
  const silent = { status: 'unmet', actual: 'no report', because: seqs(asked) } as const;
  if (isReporter(view)) return silent;
  // Who sends no report at all is not shown to have read this domain's record wrongly.
  const elsewhere = lookUpElsewhere(view);
  return elsewhere
    ? {
        ...silent,
        actual: `no report; the record was looked for at ${elsewhere.name}`,
        requirement: '8460-3-txt-name',
      }
    : { ...silent, actual: 'no report, nor one of an honest domain', ...whatAsksFor(view) };
}

/** That no report comes breaks what asks for one, and not what it should look like. */
export function silenceAboutForm(view: StepView, read: ReadReports): Judgement | undefined {
  const said = silence(view, read);
  return said?.status === 'unmet' ? { ...whatAsksFor(view), ...said } : said;
}

/** What a silence can break. */
export const SILENCE_BREAKS = [
  '8460-3-txt-name',
  '8460-4.2-success-only-report',
  '8461-6-report-delivery-failure',
  '8461-6-report-fetch-failure',
  '8461-6-report-refresh-failure',
] as const;

/** RFC 8461 §6 asks for reports of failures, RFC 8460 §4.2.1 for those of days without. */
function whatAsksFor({ stage }: StepView): {
  readonly requirement: (typeof SILENCE_BREAKS)[number];
} {
  const isAttacked = (way: Way) => stage.changes.some((change) => change.way === way);
  if (isAttacked('delivery')) return { requirement: '8461-6-report-delivery-failure' };
  if (!isAttacked('discovery')) return { requirement: '8460-4.2-success-only-report' };
  return {
    requirement: stage.isPrimed ? '8461-6-report-refresh-failure' : '8461-6-report-fetch-failure',
  };
}

/** The positive control of reporting: a report came of the honest domain beside, or of this one. */
export function isReporter({ trial, index }: StepView): boolean {
  return ofKind(trial.evidence.observations, 'report-received').some(({ step }) => step <= index);
}

/** RFC 8460 §3: the record is at `_smtp._tls`. Asked for elsewhere, and never there. */
function lookUpElsewhere(view: StepView): Seen<'dns-query'> | undefined {
  const looked = ofKind(view.history, 'dns-query').filter(
    ({ type, name }) => type === 'TXT' && /^(?:[^.]*\.)?_[^.]*(?:tls|rpt)/i.test(name),
  );
  const isRight = ({ name }: Seen<'dns-query'>) => /^_smtp\._tls\./i.test(name);
  return looked.some(isRight) ? undefined : looked[0];
}

/** What a report tells, whatever is wrong with it; or why it cannot be read. */
export function readReport({ report, problem }: Seen<'report-received'>): ReadReport | string {
  if (problem !== undefined) return problem;
  try {
    return checkReport(report as Json, openFindings());
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error.message;
  }
}

/**
 * Whether a policy in a report is one of the scenario's domain. RFC 8460 §1.1: of DANE, the policy
 * domain is the TLSA base domain; many give the recipient's.
 */
export function isOwn(view: StepView, { type, domain }: ReadPolicy): boolean {
  // Where there is no policy, some name no domain.
  if (domain === undefined) return type === 'no-policy-found';
  const name = plainName(domain);
  if (name === plainName(view.qualified(VICTIM)) || view.domains.includes(name)) return true;
  return tlsaBases(view).includes(name);
}

/** The names whose TLSA records were asked for. */
export function tlsaBases(view: StepView): string[] {
  return ofKind(view.history, 'dns-query')
    .filter(({ type }) => type === 'TLSA')
    .map(({ name }) => plainName(name).replace(/^_\d+\._tcp\./, ''));
}

/**
 * Sessions that a report can tell of: RFC 8460 §3: not those that carry one. What the sender did
 * once it was asked for its reports, and what carried other mail than ours, is none.
 */
export function reportableSessions(observations: Parameters<typeof sessionsOf>[0]): Session[] {
  const asked = ofKind(observations, 'reports-asked-for');
  return sessionsOf(observations).filter(({ opened, seen }) => {
    const content = ofKind(seen, 'smtp-data');
    if (content.some(({ tokens }) => tokens.length > 0)) return true;
    return (
      content.length === 0 &&
      !asked.some((one) => one.step === opened.step && isBefore(one, opened))
    );
  });
}
