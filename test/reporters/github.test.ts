import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reporter } from '../../harness/reporters/github.ts';
import { failed, finding, report, result, summary, type Told } from './fixtures.ts';
import { HOSTILE, hostileText, runSaying } from './hostile.ts';

const known = { scenarios: 'a/*', reason: 'issue 12', file: 'mine/known.yaml', line: 7 } as const;

interface Annotation {
  readonly kind: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly message: string;
}

/**
 * As the runner reads a line of output: a command if it opens with `::`, whose properties end at the
 * next one; `%25`, `%0A` and their like undone.
 */
function read(line: string): Annotation {
  const [, kind, list, message] = /^::(error|warning|notice) (.*?)::(.*)$/s.exec(line)!;
  const properties = list!.split(',').map((pair) => {
    const at = pair.indexOf('=');
    const name = pair.slice(0, at);
    expect(['file', 'line', 'title']).toContain(name);
    return [name, decode(pair.slice(at + 1))];
  });
  return { kind: kind!, properties: Object.fromEntries(properties), message: decode(message!) };
}

function decode(text: string): string {
  return text
    .replaceAll('%0D', '\r')
    .replaceAll('%0A', '\n')
    .replaceAll('%3A', ':')
    .replaceAll('%2C', ',')
    .replaceAll('%25', '%');
}

async function annotationsOf(run: Told): Promise<Annotation[]> {
  const { out, files } = await report(reporter, run, { outDir: 'out' });
  // Standard output is where the runner looks.
  expect(files).toEqual({});
  return out.split('\n').slice(0, -1).map(read);
}

describe('the github reporter', () => {
  it('has an annotation for a cause, at the file of the scenario', async () => {
    const run = summary([failed(), failed({ scenario: 'starttls/stripped@as-454' })]);
    expect(await annotationsOf(run)).toEqual([
      {
        kind: 'error',
        properties: {
          file: 'scenarios/starttls/stripped.yaml',
          line: '1',
          title: 'postfix: starttls/stripped@as-removed-line',
        },
        message: [
          'MUST NOT, RFC 8461 §5: under enforce, no delivery to a host that does not offer STARTTLS',
          'expected: deferred, nothing exposed',
          'actual: content delivered in clear to mx1.victim.test at +3.1 s',
          'the same in 1 other: starttls/stripped@as-454',
        ].join('\n'),
      },
    ]);
  });

  it('warns of warnings, of what is not decided, and of senders that could not be run', async () => {
    const slow = { grade: 'inconclusive', remarks: ['the lab was 700 ms late'] } as const;
    const annotations = await annotationsOf(
      summary(
        [
          result({ scenario: 'a/warns', grade: 'warn', findings: [finding({ grade: 'warn' })] }),
          result({ scenario: 'a/slow', ...slow, findings: [finding()] }),
          result({ scenario: 'a/late', ...slow }),
          result({ scenario: 'a/later', ...slow, remarks: ['the lab was 800 ms late'] }),
        ],
        { skippedSenders: [{ name: 'exim', reason: 'no Docker' }], interrupted: true },
      ),
    );
    expect(annotations.map(({ kind, properties }) => [kind, properties.title])).toEqual([
      ['warning', 'The run was interrupted'],
      ['warning', 'postfix: a/slow (inconclusive)'],
      ['warning', 'postfix: a/warns (warning)'],
      ['warning', 'postfix: a/late (inconclusive)'],
      ['warning', 'exim could not be run'],
    ]);
    expect(annotations[3]!.message).toBe('the lab was 700 ms late\nthe same in 1 other: a/later');
  });

  it('tells what is known in one notice, and an entry that is wrong where it stands', async () => {
    const annotations = await annotationsOf(
      summary([{ ...failed({ scenario: 'a/x' }), known }], {
        knownNoMore: [{ sender: 'postfix', kind: 'passes', entry: known }],
      }),
    );
    expect(annotations).toMatchObject([
      {
        kind: 'error',
        properties: { file: 'mine/known.yaml', line: '7' },
        message: 'a/*, postfix: passes now; delete this entry',
      },
      {
        kind: 'notice',
        message:
          'postfix: 1 scenario, MUST NOT, RFC 8461 §5: under enforce, no delivery to a host that does not offer STARTTLS',
      },
    ]);
  });

  it('keeps to the ten of a kind that GitHub shows, and tells how many there are more', async () => {
    const causes = (many: number) =>
      summary(
        Array.from({ length: many }, (_, index) =>
          failed({
            scenario: `a/${index}`,
            findings: [finding({ actual: `${'x'.repeat(index)} seen` })],
          }),
        ),
      );
    expect(await annotationsOf(causes(10))).toHaveLength(10);
    const annotations = await annotationsOf(causes(25));
    expect(annotations).toHaveLength(10);
    expect(annotations.at(-1)!.properties.title).toBe('and 16 more');
  });

  it('has nothing to say of a run in which all is well', async () => {
    expect(await annotationsOf(summary([result()]))).toEqual([]);
  });

  /** The same annotations as of a sender that says nothing bad, of text that is safe to show. */
  async function inOrder(text: string): Promise<void> {
    const shape = (annotations: readonly Annotation[]) =>
      annotations.map(({ kind, properties }) => [kind, Object.keys(properties)]);
    const [hostile, harmless] = [
      await annotationsOf(runSaying(text)),
      await annotationsOf(runSaying('said')),
    ];
    expect(shape(hostile)).toEqual(shape(harmless));
    for (const { properties, message } of hostile) {
      expect(message).not.toMatch(/[^\P{C}\n]|##\[|^\s*::[a-z]/imu);
      expect(Object.values(properties).join('')).not.toMatch(/\p{C}|##\[/u);
      expect(message.length).toBeLessThan(4096);
    }
  }

  it.each(HOSTILE)('injects nothing when a sender says %j', (_, text) => inOrder(text));

  it('nor whatever else it says', () => fc.assert(fc.asyncProperty(hostileText, inOrder)));
});
