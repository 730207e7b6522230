/** What was said in the step that decided a finding, and before it where that decided as well. */

import type { Observation } from '../model/observation.ts';
import type { Finding, Trial } from '../model/verdict.ts';
import { printable } from '../protocol/printable.ts';
import { decidedBy, plainNames } from '../reporters/failure-text.ts';
import { eventLine } from './lab-text.ts';

/** What is no word of the dialogue. */
const UNTOLD: readonly Observation['kind'][] = [
  'step-started',
  'queue-listed',
  'lab-health',
  'web-closed',
];
const MOST_AT_HEAD = 50;
const MOST_AT_TAIL = 50;
const MOST_DECIDED = 100;

/** Lines, printable; the middle of a long one is left out, but for what decided. */
export function transcript(trial: Trial, finding: Finding): string[] {
  const decided = decidedBy(finding, trial);
  const isDecided = new Set(decided.map(({ seq }) => seq));
  const legs = new Set(decided.length > 0 ? decided.map(({ leg }) => leg) : ['main']);
  const told = trial.evidence.observations.filter(
    (seen) =>
      isDecided.has(seen.seq) ||
      (seen.step === finding.step && legs.has(seen.leg) && !UNTOLD.includes(seen.kind)),
  );
  const kept = new Set([
    ...told.slice(0, MOST_AT_HEAD),
    ...told.slice(-MOST_AT_TAIL),
    ...told.filter(({ seq }) => isDecided.has(seq)).slice(0, MOST_DECIDED),
  ]);
  const lines: string[] = [];
  let step: number | undefined;
  let left = 0;
  for (const seen of told) {
    if (!kept.has(seen)) {
      left++;
      continue;
    }
    if (left > 0) lines.push(`  … ${left} more`);
    left = 0;
    if (seen.step !== step) lines.push(`step ${seen.step + 1}`);
    step = seen.step;
    lines.push(line(seen, isDecided.has(seen.seq), trial));
  }
  return lines;
}

function line(seen: Observation, isDecided: boolean, trial: Trial): string {
  const seconds = (seen.at / 1000).toFixed(2).padStart(8);
  const text = seen.kind === 'step-started' ? 'the step begins' : eventLine(seen);
  const leg = seen.leg === 'main' ? '' : `${seen.leg}: `;
  return `${isDecided ? '*' : ' '}${`#${seen.seq}`.padStart(5)}${seconds}  ${leg}${printable(plainNames(text, trial), 400)}`;
}
