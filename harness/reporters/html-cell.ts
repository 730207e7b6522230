/**
 * A trial as the html report has it: each observation with what it says in words, names and tokens
 * of the run taken out so that the same event of two trials is the same text. Not a reporter; pure.
 *
 * What the sender or the wire said is hostile: every string that leaves here is printable, and cut
 * where it is too long to be read.
 */

import type { CellDetail, CellEvidence } from '../html/book.ts';
import { marksOf } from '../html/marks.ts';
import { requirementOf } from '../model/citation.ts';
import { plainName } from '../model/names.ts';
import type { Observation } from '../model/observation.ts';
import { ofKind } from '../model/traffic.ts';
import type { Finding, Trial, Verdict } from '../model/verdict.ts';
import { printable, printableLines } from '../protocol/printable.ts';
import { describeObservation, weightOf } from './failure-text.ts';

const LONGEST_TEXT = 4_000;
const MOST_OBSERVATIONS = 5_000;
/** A private use area, which printable text has none of. */
const FIRST_NAME = 0xe000;
const MOST_NAMES = 6_000;

/** Times of day, message ids and queue ids: what no other message has. */
const OF_ONE_RUN = /\b\d\d:\d\d:\d\d\b|(?<=<)[\w.-]{8,}(?=@)|\b(?<=id |queued as )[\w-]{6,}\b/g;
const WORD = /\w(?:[\w.:-]*\w)?/g;

/** Everything that the page shows of a trial. */
export function detailOf(verdict: Verdict, trial: Trial): CellDetail {
  const clean = cleanerOf(trial);
  return {
    findings: verdict.findings.map((finding) => findingDetail(finding, clean)),
    remarks: verdict.remarks.map((remark) => clean.text(remark)),
    evidence:
      trial.evidence.observations.length === 0 ? undefined : evidenceOf(verdict, trial, clean),
  };
}

function findingDetail(finding: Finding, { text }: Cleaner) {
  const { step, expectation, requirement, grade, expected, actual, because, harm, compared } =
    finding;
  const known = requirementOf(requirement);
  return {
    step,
    expectation: printable(expectation, 80),
    requirement: printable(requirement, 80),
    grade,
    weight: known && weightOf(finding, known),
    expected: text(expected),
    actual: text(actual),
    because,
    harm,
    compared: compared?.map((row) => ({
      ...row,
      reported: text(row.reported),
      seen: text(row.seen),
    })),
  };
}

function evidenceOf(verdict: Verdict, trial: Trial, clean: Cleaner): CellEvidence {
  const shown = trial.evidence.observations.slice(0, MOST_OBSERVATIONS);
  return {
    events: shown.map(clean.event),
    seqs: shown.map(({ seq }) => seq),
    times: shown.map(({ at }) => at),
    names: clean.names,
    ...marksOf(verdict, trial),
  };
}

interface Cleaner {
  /** Printable, without the labels of the run. */
  text(text: string): string;
  /** JSON text of an observation, without its number and time. */
  event(seen: Observation): string;
  /** What is taken out of events, in the order of the characters that stand for it. */
  readonly names: readonly string[];
}

function cleanerOf({ evidence: { observations } }: Trial): Cleaner {
  const labels = new Set(ofKind(observations, 'step-started').map(({ label }) => label));
  const plain = (text: string) =>
    /\.test/i.test(text) ? [...labels].reduce(plainName, text) : text;
  const names = [
    ...new Set([
      ...ofKind(observations, 'message-submitted').map(({ token }) => token),
      ...ofKind(observations, 'smtp-connection').map(({ address }) => address),
      ...labels,
      ...ofKind(observations, 'smtp-data').flatMap(({ excerpt }) => ofOneRun(excerpt)),
      ...ofKind(observations, 'smtp-reply').flatMap(({ reply }) => ofOneRun(reply)),
    ]),
  ].slice(0, MOST_NAMES);
  const places = new Map(
    names.map((name, index) => [name, String.fromCharCode(FIRST_NAME + index)]),
  );
  const taken = (text: string) => text.replace(WORD, (word) => places.get(word) ?? word);
  const numbers = numberConnections(observations);
  const shorten = (text: string) => {
    const cut = text.slice(0, LONGEST_TEXT);
    const more = text.length - cut.length;
    const lines = printableLines(plain(cut).replaceAll('\r\n', '\n'));
    return more > 0 ? `${lines}… and ${more} more characters` : lines;
  };
  return {
    text: (text) => printable(plain(text)),
    event({ seq: _, at: __, ...event }) {
      const says = describeObservation({ seq: 0, at: 0, ...event } as Observation) ?? event.kind;
      const told = { ...event, says: printable(plain(says)) };
      return JSON.stringify(told, (key, value: unknown) => {
        // Its members are named by whoever wrote it.
        if (key === 'report') return taken(shorten(JSON.stringify(value, null, 2)));
        if (key === 'connection') return numbers.get(String(value));
        return typeof value === 'string' ? taken(shorten(value)) : value;
      });
    },
    names: names.map((name) => printable(name)),
  };
}

const ofOneRun = (text: string) => text.slice(0, LONGEST_TEXT).match(OF_ONE_RUN) ?? [];

/** In each leg from 1: what is alike in two trials then looks alike. */
function numberConnections(observations: readonly Observation[]): Map<string, number> {
  const numbers = new Map<string, number>();
  const last = new Map<string, number>();
  for (const seen of observations) {
    if (!('connection' in seen) || numbers.has(seen.connection)) continue;
    last.set(seen.leg, (last.get(seen.leg) ?? 0) + 1);
    numbers.set(seen.connection, last.get(seen.leg)!);
  }
  return numbers;
}
