/** Hand-made verdicts, trials and summaries, and a context that collects what a reporter writes. */

import { DEFAULT_POLICY } from '../../harness/model/baseline.ts';
import type { Event, Observation } from '../../harness/model/observation.ts';
import type {
  ReporterContext,
  ReporterModule,
  Result,
  RunSummary,
  TrialResult,
} from '../../harness/model/reporter.ts';
import type { Scenario } from '../../harness/model/scenario.ts';
import type { SenderDescription } from '../../harness/model/sender.ts';
import type { Finding, Trial, Verdict } from '../../harness/model/verdict.ts';
import { prime, scenarioOf, send } from '../evidence.ts';

const postfix = sender({ name: 'postfix', version: '3.10.13' });

export function sender(change: Partial<SenderDescription> = {}): SenderDescription {
  return {
    name: 'postfix',
    version: '3.10.13',
    summary: 'the MTA',
    capabilities: ['mta-sts', 'queue'],
    ...change,
  };
}

export function scenario(id: string, change: Partial<Scenario> = {}): Scenario {
  return scenarioOf([prime, { ...send(), label: 'attacked' }], {
    id,
    file: `scenarios/${id.split('@')[0]}.yaml`,
    title: 'A server that stops offering STARTTLS gets no mail',
    why: 'The classic downgrade.',
    ...change,
  });
}

export function finding(change: Partial<Finding> = {}): Finding {
  return {
    step: 1,
    expectation: 'enforced',
    requirement: '8461-5-enforce-no-starttls',
    grade: 'fail',
    expected: 'deferred, nothing exposed',
    actual: 'content delivered in clear to mx1.victim.test at +3.1 s',
    because: [],
    ...change,
  };
}

export function verdict(change: Partial<Verdict> = {}): Verdict {
  return {
    scenario: 'starttls/stripped@as-removed-line',
    sender: 'postfix',
    senderVersion: '3.10.13',
    grade: 'pass',
    findings: [],
    remarks: [],
    exposure: 'none',
    durationMs: 412,
    ...change,
  };
}

/** Observations of step 2's main leg, numbered from `from`. */
export function observed(events: readonly Event[], from = 41): Observation[] {
  return events.map((event, index) => ({
    seq: from + index,
    at: 3000 + index,
    leg: 'main',
    step: 1,
    ...event,
  }));
}

const onPath = {
  connection: 'c1',
  mx: 'mx1.victim.k3x9-7.test',
  secure: false,
  authenticated: false,
} as const;

/** A sender that lost STARTTLS on the way and went on in clear: #40 to #48. */
export const stripped: readonly Observation[] = observed(
  [
    {
      kind: 'step-started',
      label: 'k3x9-7',
      policy: DEFAULT_POLICY,
      permittedMx: ['mx1.victim.k3x9-7.test'],
    },
    { kind: 'smtp-command', ...onPath, verb: 'EHLO', line: 'EHLO mail.sender.test', early: false },
    { kind: 'smtp-reply', ...onPath, to: 'EHLO', reply: '250-mx1\r\n250 SIZE', changed: true },
    {
      kind: 'smtp-command',
      ...onPath,
      verb: 'MAIL',
      line: 'MAIL FROM:<a@sender.k3x9-7.test>',
      early: false,
    },
    { kind: 'smtp-reply', ...onPath, to: 'MAIL', reply: '250 Ok', changed: false },
    {
      kind: 'smtp-command',
      ...onPath,
      verb: 'RCPT',
      line: 'RCPT TO:<m7f3a@victim.k3x9-7.test>',
      early: false,
    },
    {
      kind: 'smtp-data',
      ...onPath,
      bytes: 2048,
      tokens: ['m7f3a'],
      excerpt: 'Received: from x\r\nSubject: holdfast 7f3a\r\n\r\nbody',
    },
    {
      kind: 'message-accepted',
      ...onPath,
      mailFrom: 'a@sender.k3x9-7.test',
      rcptTo: ['m7f3a@victim.k3x9-7.test'],
      tokens: ['m7f3a'],
      subject: 'holdfast 7f3a',
    },
    { kind: 'sender-status', token: 'm7f3a', status: 'delivered', detail: '250 Ok' },
  ],
  40,
);

export function trial(
  change: {
    scenario?: Scenario;
    sender?: SenderDescription;
    observations?: readonly Observation[];
  } = {},
): Trial {
  return {
    scenario: change.scenario ?? scenario('starttls/stripped@as-removed-line'),
    sender: change.sender ?? postfix,
    evidence: { observations: change.observations ?? stripped },
  };
}

/** A verdict of its own trial, scenario and sender taken from the verdict. */
export function result(
  change: Partial<Verdict> = {},
  observations?: readonly Observation[],
): TrialResult {
  const own = verdict(change);
  return {
    verdict: own,
    trial: trial({
      scenario: scenario(own.scenario),
      sender: sender({ name: own.sender, version: own.senderVersion }),
      observations,
    }),
  };
}

export const failed = (change: Partial<Verdict> = {}) =>
  result({
    grade: 'fail',
    exposure: 'content',
    findings: [finding({ because: [41, 42, 43, 44, 45, 46, 47], harm: 'content' })],
    ...change,
  });

/** The summary of a run, and the trials that its reporters were told of on the way. */
export type Told = Omit<RunSummary, 'results'> & { readonly results: readonly ToldResult[] };
type ToldResult = Result & TrialResult;

export function summary(
  given: readonly (TrialResult & Pick<Result, 'known'>)[],
  change: Partial<Told> = {},
): Told {
  const results = given.map((one) => ({ ...one, isRun: true, reach: [] }));
  const senders = new Map(results.map(({ trial }) => [trial.sender.name, trial.sender]));
  const scenarios = new Map(results.map(({ trial }) => [trial.scenario.id, trial.scenario]));
  return {
    run: {
      startedAt: '2026-11-22T14:50:03.123Z',
      senders: [...senders.values()],
      suite: 'f00d',
      scenarios: [...scenarios.values()],
      node: '24.21.0',
      holdfast: '0.1.0',
    },
    results,
    knownLists: [],
    knownNoMore: [],
    skippedSenders: [],
    interrupted: false,
    elapsedMs: 12_345,
    ...change,
  };
}

export interface Collected {
  readonly out: string;
  readonly files: Readonly<Record<string, string>>;
}

/** Runs a whole run through a reporter and returns what it wrote. */
export async function report(
  reporter: ReporterModule,
  of: Told,
  change: Partial<ReporterContext> = {},
): Promise<Collected> {
  let out = '';
  const files: Record<string, string> = {};
  const running = reporter.create({
    write: (text) => {
      out += text;
    },
    isTerminal: false,
    columns: 80,
    color: false,
    isVerbose: false,
    writeFile: async (name, content) => {
      files[name] = content;
    },
    ...change,
  });
  running.onStart?.(of.run);
  for (const { verdict, trial, known } of of.results) {
    running.onTrialStart?.(trial.scenario, trial.sender.name);
    running.onVerdict?.(verdict, trial, known);
  }
  await running.onEnd?.(of);
  return { out, files };
}
