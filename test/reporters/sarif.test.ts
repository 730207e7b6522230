import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reporter } from '../../harness/reporters/sarif.ts';
import {
  failed,
  finding,
  report,
  result,
  scenario,
  summary,
  type Told,
  trial,
} from './fixtures.ts';
import { HOSTILE, hostileText, runSaying } from './hostile.ts';
import { checkSarif } from './schemas.ts';

const entry = {
  scenarios: 'a/*',
  reason: 'issue 12',
  file: 'my mta/known.yaml',
  line: 7,
} as const;

const logOf = async (run: Told) => JSON.parse((await report(reporter, run)).out);
const resultsOf = async (run: Told) => (await logOf(run)).runs[0].results;

describe('the sarif reporter', () => {
  it('keeps to the schema of the standard', async () => {
    const run = summary([
      failed(),
      { ...failed({ scenario: 'a/known' }), known: entry },
      result({ grade: 'warn', findings: [finding({ grade: 'warn' })], scenario: 'a/warns' }),
      result({ scenario: 'a/passes' }),
    ]);
    expect(checkSarif(await logOf(run))).toEqual([]);
    expect(checkSarif({ version: '2.1.0', runs: [{ results: [{}] }] })).not.toEqual([]);
  });

  it('has a result for a finding, with its rule, and where the scenario stands', async () => {
    const [run] = (await logOf(summary([failed()]))).runs;
    expect(run.tool.driver.rules).toEqual([
      expect.objectContaining({
        id: '8461-5-enforce-no-starttls',
        helpUri: 'https://www.rfc-editor.org/rfc/rfc8461#section-5',
        defaultConfiguration: { level: 'error' },
      }),
    ]);
    expect(run.results).toEqual([
      expect.objectContaining({
        ruleId: '8461-5-enforce-no-starttls',
        ruleIndex: 0,
        level: 'error',
        message: {
          text: 'postfix, starttls/stripped@as-removed-line, step 2: content delivered in clear to mx1.victim.test at +3.1 s (expected: deferred, nothing exposed)',
        },
      }),
    ]);
    expect(run.results[0].locations[0].physicalLocation).toEqual({
      artifactLocation: { uri: 'scenarios/starttls/stripped.yaml' },
      region: { startLine: 1 },
    });
  });

  it('shows what is known as a note that is suppressed, with its words and where they stand', async () => {
    const [known] = await resultsOf(summary([{ ...failed({ scenario: 'a/x' }), known: entry }]));
    expect(known).toMatchObject({
      level: 'note',
      suppressions: [
        {
          kind: 'external',
          status: 'accepted',
          justification: 'issue 12',
          location: {
            physicalLocation: {
              artifactLocation: { uri: 'my%20mta/known.yaml' },
              region: { startLine: 7 },
            },
          },
        },
      ],
    });
  });

  it('gives a finding the same fingerprint whatever differs between two runs', async () => {
    const fingerprint = async (run: Told) => (await resultsOf(run))[0].partialFingerprints;
    const first = await fingerprint(summary([failed()]));
    expect(first).toEqual({
      primaryLocationLineHash: expect.stringMatching(/^[0-9a-f]{64}:1$/),
      'holdfast/v1': expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const later = failed({
      senderVersion: '4.0',
      durationMs: 7,
      findings: [finding({ actual: 'content in clear to mx2.victim.test', because: [1, 2] })],
    });
    expect(await fingerprint(summary([later]))).toEqual(first);
    expect(await fingerprint(summary([{ ...later, known: entry }]))).toEqual(first);
    for (const other of [
      failed({ sender: 'exim' }),
      failed({ scenario: 'starttls/stripped@as-454' }),
      failed({ findings: [finding({ step: 2 })] }),
      failed({ findings: [finding({ requirement: '8461-3.3-no-redirect' })] }),
    ])
      expect(await fingerprint(summary([other]))).not.toEqual(first);
  });

  it('has one result for a fingerprint', async () => {
    const twice = failed({ findings: [finding(), finding({ actual: 'and again' })] });
    expect(await resultsOf(summary([twice]))).toHaveLength(1);
  });

  it('has a run, and a category of alerts, for each sender', async () => {
    const { runs } = await logOf(summary([failed(), failed({ sender: 'exim' })]));
    expect(runs.map((run: any) => [run.automationDetails.id, run.results.length])).toEqual([
      ['holdfast/postfix/', 1],
      ['holdfast/exim/', 1],
    ]);
  });

  it('has no result for what is not decided, but says so', async () => {
    const undecided = result({
      grade: 'inconclusive',
      // A slow lab: what the findings say is not decided either.
      findings: [finding({ grade: 'fail' })],
      remarks: ['the lab was slow'],
    });
    const slow = result({
      scenario: 'a/slow',
      grade: 'inconclusive',
      remarks: ['the lab was slow'],
    });
    const [run] = (await logOf(summary([undecided, slow]))).runs;
    expect(run.results).toEqual([]);
    expect(
      run.invocations[0].toolExecutionNotifications.map(({ message }: any) => message.text),
    ).toEqual([
      'inconclusive: starttls/stripped@as-removed-line: content delivered in clear to mx1.victim.test at +3.1 s',
      'inconclusive: a/slow: the lab was slow',
    ]);
  });

  it('says which entry of the known list is wrong', async () => {
    const wrong = { sender: 'postfix', kind: 'passes', entry } as const;
    const [run] = (await logOf(summary([result()], { knownNoMore: [wrong] }))).runs;
    expect(run.invocations[0].toolExecutionNotifications).toMatchObject([
      {
        level: 'warning',
        message: { text: expect.stringContaining('passes now; delete my mta/') },
      },
    ]);
  });

  it('does not claim that a run was whole that was not', async () => {
    const [stopped] = (await logOf(summary([failed()], { interrupted: true }))).runs;
    expect(stopped.invocations[0].executionSuccessful).toBe(false);
    const broke = { skippedSenders: [{ name: 'postfix', reason: 'it died' }] };
    const [died] = (await logOf(summary([failed()], broke))).runs;
    expect(died.invocations[0]).toMatchObject({
      executionSuccessful: false,
      toolExecutionNotifications: [{ level: 'error', message: { text: 'it died' } }],
    });
  });

  it('has no run for a sender that could not be started: its alerts are not mended', async () => {
    const none = summary([], { skippedSenders: [{ name: 'postfix', reason: 'no Docker' }] });
    expect((await logOf(none)).runs).toEqual([]);
  });

  it('says which senders are more than a file takes', async () => {
    const results = Array.from({ length: 22 }, (_, nth) => failed({ sender: `mta${nth}` }));
    const { runs } = await logOf(summary(results));
    expect(runs).toHaveLength(20);
    const told = runs.map(({ invocations }: any) =>
      invocations[0].toolExecutionNotifications.map(({ message }: any) => message.text),
    );
    expect(told.flat()).toEqual(['2 more senders than a file takes: mta20, mta21']);
  });

  it('holds what GitHub shows, the worst of it', async () => {
    const many = Array.from({ length: 5100 }, (_, index) =>
      result({
        scenario: `a/x@${index}`,
        grade: index < 5050 ? 'warn' : 'fail',
        findings: [finding({ grade: index < 5050 ? 'warn' : 'fail' })],
      }),
    );
    const [run] = (await logOf(summary(many))).runs;
    expect(run.results).toHaveLength(5000);
    expect(run.results.filter(({ level }: any) => level === 'error')).toHaveLength(50);
    expect(run.invocations[0].toolExecutionNotifications[0].message.text).toBe(
      '100 more results than a run takes',
    );
  });

  /** What is said of a hostile run: all of it, once it is found to be in order. */
  async function saidOf(text: string): Promise<string> {
    const { out } = await report(reporter, runSaying(text));
    const log = JSON.parse(out);
    expect(checkSarif(log)).toEqual([]);
    // Nothing that acts on a terminal or a CI runner; no link and no placeholder in a message.
    expect(out).not.toMatch(/[^\P{C}\n]|##\[|^\s*::[a-z]/imu);
    for (const message of out.matchAll(/"(?:text|justification)": (".*")/g))
      expect(JSON.parse(message[1]!)).not.toMatch(/\]\(|\{\d+\}/);
    return out;
  }

  it.each(HOSTILE)('is in order when a sender says %j', async (_, text) => {
    expect((await saidOf(text)).length).toBeLessThan(100_000);
  });

  it('and whatever else it says', () =>
    fc.assert(fc.asyncProperty(hostileText, async (text) => void (await saidOf(text)))));

  it('is the same for the same run', async () => {
    const run = summary([failed(), failed({ scenario: 'a/b' })]);
    expect(await logOf(run)).toEqual(await logOf(run));
  });

  it('goes to a file, when there is a place for files', async () => {
    const { out, files } = await report(reporter, summary([failed()]), { outDir: 'out' });
    expect(out).toBe('');
    expect(Object.keys(files)).toEqual(['holdfast.sarif']);
  });

  it('has a place for a scenario of the user, as a reference whatever its name', async () => {
    const own = failed({ scenario: 'mine' });
    const file = '.\\my scenarios\\a%#?.yaml';
    const told = { ...own, trial: trial({ scenario: scenario('mine', { file }) }) };
    const [one] = await resultsOf(summary([told]));
    expect(one.locations[0].physicalLocation.artifactLocation.uri).toBe(
      'my%20scenarios/a%25%23%3F.yaml',
    );
  });
});
