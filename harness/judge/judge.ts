/**
 * judge: frozen evidence in, verdict out. Pure: the same evidence gives the same verdict, with or
 * without a lab.
 *
 * Each step's expectations give findings; what makes them trustworthy is here: the positive
 * control, the negative control, the lab's own health, and the grades of DESIGN §3.
 */

import {
  exposedBy,
  inLeg,
  ofKind,
  outcomeOf,
  policyFetches,
  recipientDomains,
  type StepView,
  stsLookups,
  viewStep,
} from '../model/evidence.ts';
import type { Leg, Observation } from '../model/observation.ts';
import { REQUIREMENTS } from '../model/requirements.ts';
import { type ExpectationUse, neededCapabilities } from '../model/scenario.ts';
import type {
  Expectation,
  Exposure,
  Finding,
  Grade,
  Judgement,
  Trial,
  Verdict,
} from '../model/verdict.ts';

/** Past these the lab may have made the sender do what it did. */
export const SLOW_LAB = { eventLoopDelayMs: 500, answerMs: 500 } as const;

export function judge(trial: Trial, expectations: ReadonlyMap<string, Expectation>): Verdict {
  const { scenario, sender, evidence } = trial;
  const lacking = neededCapabilities(scenario).filter(
    (capability) => !sender.capabilities.includes(capability),
  );
  const findings =
    lacking.length > 0 ? [unsupported(trial, lacking)] : judgeSteps(trial, expectations);
  const trouble = lacking.length > 0 ? [] : labTrouble(evidence.observations);
  return {
    scenario: scenario.id,
    sender: sender.name,
    senderVersion: sender.version,
    grade: trouble.length > 0 ? 'inconclusive' : worstOf(findings),
    findings,
    remarks: [...trouble, ...(lacking.length > 0 ? [] : negativeControls(trial, expectations))],
    exposure: worstExposure(trial),
    durationMs: evidence.observations.at(-1)?.at ?? 0,
  };
}

/**
 * A prime step is the positive control of all that follows; without one every sending step has a
 * control of its own.
 */
function judgeSteps(trial: Trial, expectations: ReadonlyMap<string, Expectation>): Finding[] {
  const findings: Finding[] = [];
  let primed = false;
  let control: Finding | undefined;
  for (const [index, step] of trial.scenario.steps.entries()) {
    const view = viewStep(trial, index);
    const started = ofKind(view.now, 'step-started').length > 0;
    if (step.kind === 'prime') {
      primed = true;
      control = started ? judgeControl(trial, index, 'main') : neverRun(trial, index);
      findings.push(control);
    } else if (step.kind === 'send' || step.kind === 'flush' || step.kind === 'recover') {
      const own = step.kind === 'send' && !primed && started;
      if (own) control = judgeControl(trial, index, 'control');
      if (started)
        findings.push(
          ...usesOf(view).map((use) => judgeUse(view, use, expectations.get(use.name), control)),
        );
      else findings.push(neverRun(trial, index));
      if (own && control?.grade !== 'pass') findings.push(control!);
    }
  }
  return findings;
}

/**
 * The finding of one expectation; where the positive control failed, only what rests on the wire
 * alone still counts.
 */
function judgeUse(
  view: StepView,
  use: ExpectationUse,
  expectation: Expectation | undefined,
  control: Finding | undefined,
): Finding {
  const fallback = view.trial.scenario.requirements[0]!;
  try {
    if (expectation === undefined) throw new Error('there is no such expectation');
    const judgement = expectation.judge(view, use.options);
    // A judgement that names a requirement says that another one was broken than the one asked
    // about.
    const requirement =
      judgement.requirement ?? use.requirement ?? expectation.requirement ?? fallback;
    const grade = gradeOf(judgement, requirement, use);
    const decided =
      control === undefined || control.grade === 'pass' || expectation.standsAlone === true;
    return {
      step: view.index,
      expectation: use.name,
      requirement,
      grade: decided || grade === 'unsupported' ? grade : 'inconclusive',
      expected: expectation.describe(use.options),
      actual: judgement.actual,
      because: judgement.because,
      ...(judgement.harm ? { harm: judgement.harm } : {}),
    };
  } catch (error) {
    // Not knowing is an answer: what breaks the judge proves nothing about the sender.
    const actual = `the expectation broke: ${error instanceof Error ? error.message : String(error)}`;
    const requirement = use.requirement ?? fallback;
    return {
      step: view.index,
      expectation: use.name,
      requirement,
      grade: 'inconclusive',
      expected: use.name,
      actual,
      because: [],
    };
  }
}

function usesOf({ step }: StepView): readonly ExpectationUse[] {
  if (step.kind === 'send' || step.kind === 'flush') return step.expect;
  return step.kind === 'recover' ? [{ name: 'recovered', options: {} }] : [];
}

/**
 * DESIGN §3: `fail` = a MUST is broken; `warn` = a SHOULD is broken, only the envelope was exposed,
 * or the sender was stricter than the RFC. What the RFC does not say with a keyword or in its
 * grammar is at most a warning, unless mail is exposed or lost. Throws RangeError for an unknown
 * requirement.
 */
export function gradeOf(
  { status, harm }: Judgement,
  requirement: string,
  { grade }: ExpectationUse,
): Grade {
  if (status === 'met') return 'pass';
  if (status === 'undecided') return 'inconclusive';
  if (status === 'unsupported') return 'unsupported';
  if (grade === 'warn' || harm === 'envelope') return 'warn';
  if (harm === 'content' || harm === 'mail-lost') return 'fail';
  if (!Object.hasOwn(REQUIREMENTS, requirement))
    throw new RangeError(`no requirement ${requirement}`);
  const { level, basis } = REQUIREMENTS[requirement]!;
  const isMust = level === 'MUST' || level === 'MUST NOT';
  return isMust && (basis === 'keyword' || basis === 'grammar') ? 'fail' : 'warn';
}

/**
 * The positive control: an honest world, in which the message must arrive over authenticated TLS
 * and, for a scenario about MTA-STS, the policy must have been fetched. Without it a sender that
 * resolves nothing and trusts nobody would pass every attack.
 */
function judgeControl(trial: Trial, index: number, leg: Leg): Finding {
  const now = inLeg(trial.evidence.observations, leg, index);
  const started = ofKind(now, 'step-started').at(-1);
  const aboutSts = trial.scenario.needs.includes('mta-sts') && started?.policy.mode !== 'absent';
  const expected = `honest delivery${aboutSts ? ' over authenticated TLS, policy fetched' : ''}`;
  const tokens = ofKind(now, 'message-submitted').map((seen) => seen.token);
  const outcome = tokens[0] === undefined ? undefined : outcomeOf(now, tokens[0]);
  const domains = recipientDomains(now, tokens);
  const requirement = aboutSts ? '8461-5.1-cold-fetch' : trial.scenario.requirements[0]!;
  const base = { step: index, expectation: 'control', requirement, expected };
  const say = (grade: Grade, actual: string, because: number[]): Finding => ({
    ...base,
    grade,
    actual,
    because,
  });

  if (outcome?.kind !== 'delivered') {
    const words =
      outcome && 'by' in outcome && outcome.by.kind === 'sender-status'
        ? `: ${outcome.by.detail}`
        : '';
    return say(
      'inconclusive',
      `the honest message was not delivered (${outcome?.kind ?? 'never sent'}${words})`,
      outcome && 'by' in outcome ? [outcome.by.seq] : [],
    );
  }
  const { accepted } = outcome;
  // RFC 8461 §5.1 lets a sender look beside the delivery: late is not never.
  const late = trial.evidence.observations.filter((seen) => seen.leg === leg);
  if (aboutSts && stsLookups(late, domains).length === 0)
    return say('fail', 'the sender declares MTA-STS and never asked for _mta-sts', [accepted.seq]);
  const fetched = policyFetches(now, domains);
  if (aboutSts && fetched.length === 0) {
    return say(
      'inconclusive',
      "the TXT record was asked for, but the policy was never got: does the sender trust the lab's authority?",
      [accepted.seq],
    );
  }
  // RFC 8461 §5: under none, mail goes as if there were no policy.
  if (aboutSts && started?.policy.mode !== 'none' && !accepted.authenticated)
    return say(
      'inconclusive',
      `the honest message was delivered ${accepted.secure ? 'over unauthenticated TLS' : 'in clear'}`,
      [accepted.seq],
    );
  return say('pass', 'delivered', [...fetched.map((seen) => seen.seq), accepted.seq]);
}

/**
 * The negative control: what a sender refuses with no policy in the world, it did not refuse
 * because of one.
 */
function negativeControls(trial: Trial, expectations: ReadonlyMap<string, Expectation>): string[] {
  const remarks = trial.scenario.steps.flatMap((step, index) => {
    if (
      step.kind !== 'send' ||
      !step.expect.some((use) => expectations.get(use.name)?.negativeControl)
    )
      return [];
    const now = inLeg(trial.evidence.observations, 'unprotected', index);
    // The last is the one under the fault; an honest one may have gone before.
    const tokens = ofKind(now, 'message-submitted').slice(-1);
    const outcomes = tokens.map(({ token }) => outcomeOf(now, token).kind);
    if (outcomes.includes('pending'))
      return [
        'whether the same fault stops mail without a policy too was not seen before the wait was over',
      ];
    return outcomes.some((kind) => kind !== 'delivered')
      ? [
          'the same fault was refused without a policy too: the sender has a strictness or a memory of its own',
        ]
      : [];
  });
  return [...new Set(remarks)];
}

function labTrouble(observations: readonly Observation[]): string[] {
  const health = ofKind(observations, 'lab-health');
  const slow = health.filter(
    (seen) =>
      seen.eventLoopDelayMs > SLOW_LAB.eventLoopDelayMs || seen.slowestAnswerMs > SLOW_LAB.answerMs,
  );
  return [
    ...(health.length === 0
      ? ['the evidence breaks off: it does not say how fast the lab was']
      : []),
    ...slow.map(
      (seen) =>
        `the lab was slow (event loop ${seen.eventLoopDelayMs} ms late, slowest answer ${seen.slowestAnswerMs} ms): run with fewer --jobs`,
    ),
    ...ofKind(observations, 'lab-fault').map((seen) => `the lab failed: ${seen.detail}`),
    ...ofKind(observations, 'sender-failed').map((seen) => `the sender failed: ${seen.detail}`),
  ];
}

function worstExposure(trial: Trial): Exposure {
  const attacked = trial.scenario.steps.flatMap((step, index) =>
    (step.kind === 'send' || step.kind === 'flush') && step.under.length > 0 ? [index] : [],
  );
  const seen = attacked.map((index) => exposedBy(viewStep(trial, index)).exposure);
  return seen.includes('content') ? 'content' : seen.includes('envelope') ? 'envelope' : 'none';
}

/** A positive control that passes is no pass: what was to be tried counts, where anything was. */
function worstOf(findings: readonly Finding[]): Grade {
  const tried = findings.filter((finding) => finding.expectation !== 'control');
  const order: readonly Grade[] = ['fail', 'inconclusive', 'warn'];
  const worst = order.find((grade) => findings.some((finding) => finding.grade === grade));
  if (worst) return worst;
  if (tried.length > 0 && tried.every((finding) => finding.grade === 'unsupported'))
    return 'unsupported';
  return findings.some((finding) => finding.grade === 'pass') ? 'pass' : 'inconclusive';
}

function unsupported(trial: Trial, lacking: readonly string[]): Finding {
  const requirement = trial.scenario.requirements[0]!;
  return {
    step: 0,
    expectation: 'capabilities',
    requirement,
    grade: 'unsupported',
    expected: lacking.join(', '),
    actual: `the sender does not declare ${lacking.join(', ')}`,
    because: [],
  };
}

function neverRun(trial: Trial, index: number): Finding {
  const requirement = trial.scenario.requirements[0]!;
  return {
    step: index,
    expectation: 'step',
    requirement,
    grade: 'inconclusive',
    expected: 'the step is run',
    actual: 'an earlier step went wrong',
    because: [],
  };
}
