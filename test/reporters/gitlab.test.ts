import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reporter } from '../../harness/reporters/gitlab.ts';
import { failed, finding, report, result, summary, type Told } from './fixtures.ts';
import { HOSTILE, hostileText, runSaying } from './hostile.ts';
import { checkBy } from './schemas.ts';

/** What GitLab's documentation of the format asks for, and what it takes the severities to be. */
const checkIssues = checkBy({
  type: 'array',
  items: {
    type: 'object',
    required: ['description', 'check_name', 'fingerprint', 'severity', 'location'],
    properties: {
      description: { type: 'string', minLength: 1 },
      check_name: { type: 'string' },
      fingerprint: { type: 'string', minLength: 1 },
      severity: { enum: ['info', 'minor', 'major', 'critical', 'blocker'] },
      location: {
        type: 'object',
        required: ['path', 'lines'],
        properties: {
          // Relative to the project.
          path: { type: 'string', pattern: '^(?!\\./|/)' },
          lines: {
            type: 'object',
            required: ['begin'],
            properties: { begin: { type: 'integer', minimum: 1 } },
          },
        },
      },
    },
  },
});

const known = { scenarios: 'a/*', reason: 'issue 12', file: 'known.yaml', line: 7 } as const;
const issuesOf = async (run: Told) => JSON.parse((await report(reporter, run)).out);

describe('the gitlab reporter', () => {
  it('has an issue for a finding, the worst first', async () => {
    const issues = await issuesOf(
      summary([
        result({ scenario: 'a/warns', grade: 'warn', findings: [finding({ grade: 'warn' })] }),
        { ...failed({ scenario: 'a/known' }), known },
        result({ scenario: 'a/passes' }),
        failed(),
        failed({
          scenario: 'a/bounced',
          findings: [finding({ harm: 'returned', actual: 'bounced' })],
        }),
      ]),
    );
    expect(checkIssues(issues)).toEqual([]);
    expect(issues.map(({ severity, location }: any) => [severity, location.path])).toEqual([
      ['critical', 'scenarios/starttls/stripped.yaml'],
      ['major', 'scenarios/a/bounced.yaml'],
      ['minor', 'scenarios/a/warns.yaml'],
      ['info', 'scenarios/a/known.yaml'],
    ]);
    expect(issues[0]).toMatchObject({
      description:
        'fail: postfix, starttls/stripped@as-removed-line: content delivered in clear to mx1.victim.test at +3.1 s (RFC 8461 §5: under enforce, no delivery to a host that does not offer STARTTLS)',
      check_name: '8461-5-enforce-no-starttls',
    });
    expect(issues[3].description).toMatch(/^known \(issue 12\): postfix, a\/known: /);
  });

  it('has an issue for an entry of the known list that is wrong, where it stands', async () => {
    const wrong = { sender: 'postfix', kind: 'passes', entry: known } as const;
    const [issue] = await issuesOf(summary([result()], { knownNoMore: [wrong] }));
    expect(issue).toMatchObject({
      description: '✓ a/* · postfix: passes now; delete known.yaml:7',
      severity: 'major',
      location: { path: 'known.yaml', lines: { begin: 7 } },
    });
  });

  it('has each fingerprint once', async () => {
    const twice = failed({ findings: [finding(), finding({ actual: 'and again' })] });
    const issues = await issuesOf(summary([twice, failed({ sender: 'exim' })]));
    expect(new Set(issues.map(({ fingerprint }: any) => fingerprint)).size).toBe(2);
    expect(issues).toHaveLength(2);
  });

  it('claims nothing of what is not decided', async () => {
    const slow = { grade: 'inconclusive', findings: [finding()], remarks: ['slow'] } as const;
    expect(await issuesOf(summary([result(slow)]))).toEqual([]);
  });

  it('goes to a file, when there is a place for files', async () => {
    const { out, files } = await report(reporter, summary([failed()]), { outDir: 'out' });
    expect(out).toBe('');
    expect(Object.keys(files)).toEqual(['gl-code-quality-report.json']);
  });

  /** All that is said of a hostile run, once it is found to be in order. */
  async function saidOf(text: string): Promise<string> {
    const { out } = await report(reporter, runSaying(text));
    expect(checkIssues(JSON.parse(out))).toEqual([]);
    expect(out).not.toMatch(/[^\P{C}\n]|##\[|^\s*::[a-z]/imu);
    return out;
  }

  it.each(HOSTILE)('is in order when a sender says %j', async (_, text) => {
    expect((await saidOf(text)).length).toBeLessThan(20_000);
  });

  it('and whatever else it says', () =>
    fc.assert(fc.asyncProperty(hostileText, async (text) => void (await saidOf(text)))));
});
