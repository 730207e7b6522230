import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Grade } from '../../harness/model/verdict.ts';
import { reporter } from '../../harness/reporters/junit.ts';
import { failed, finding, observed, report, result, summary } from './fixtures.ts';
import { attributesOf, childrenOf, parseXml, type XmlElement } from './xml.ts';

const grades: readonly Grade[] = ['pass', 'warn', 'fail', 'inconclusive', 'unsupported', 'not-met'];

const run = summary(
  [
    result({ scenario: 'starttls/refused@454' }),
    failed(),
    result({ scenario: 'a/warns', grade: 'warn', findings: [finding({ grade: 'warn' })] }),
    result({ scenario: 'a/unclear', grade: 'inconclusive', remarks: ['the lab was slow'] }),
    result({
      scenario: 'a/unsupported',
      grade: 'unsupported',
      findings: [finding({ grade: 'unsupported', actual: 'no dane' })],
    }),
    result({ sender: 'reference', senderVersion: '', scenario: 'starttls/refused@454' }),
    result({
      sender: 'courier',
      scenario: 'a/not-met',
      grade: 'not-met',
      findings: [finding({ grade: 'not-met', actual: 'the host was never called' })],
    }),
  ],
  { skippedSenders: [{ name: 'exim', reason: 'no Docker' }] },
);

async function parsed(of = run): Promise<XmlElement> {
  const { out } = await report(reporter, of);
  return parseXml(out);
}

const find = (root: XmlElement, name: string): XmlElement[] => [
  ...(root.name === name ? [root] : []),
  ...childrenOf(root).flatMap((child) => find(child, name)),
];

describe('the junit reporter', () => {
  it('has a suite for each sender, skipped ones included, and counts that add up', async () => {
    const root = await parsed();
    expect(attributesOf(root)).toEqual({
      name: 'holdfast',
      tests: '9',
      failures: '1',
      errors: '2',
      time: '12.345',
    });
    expect(childrenOf(root).map(attributesOf)).toEqual([
      {
        name: 'postfix',
        tests: '5',
        failures: '1',
        errors: '1',
        skipped: '1',
        timestamp: '2026-11-22T14:50:03',
        time: '2.060',
      },
      {
        name: 'reference',
        tests: '1',
        failures: '0',
        errors: '0',
        skipped: '0',
        timestamp: '2026-11-22T14:50:03',
        time: '0.412',
      },
      {
        name: 'courier',
        tests: '2',
        failures: '0',
        errors: '1',
        skipped: '1',
        timestamp: '2026-11-22T14:50:03',
        time: '0.412',
      },
      {
        name: 'exim',
        tests: '1',
        failures: '0',
        errors: '0',
        skipped: '1',
        timestamp: '2026-11-22T14:50:03',
        time: '0.000',
      },
    ]);
  });

  it('files variants under their scenario', async () => {
    const [refused] = find(await parsed(), 'testcase');
    expect(attributesOf(refused!)).toEqual({
      classname: 'starttls/refused',
      name: 'starttls/refused@454',
      time: '0.412',
    });
    expect(refused!.children).toEqual([]);
  });

  it('tells a failure with message, type and text', async () => {
    const [failure, ...others] = find(await parsed(), 'failure');
    expect(others).toEqual([]);
    expect(attributesOf(failure!)).toEqual({
      message:
        'expected deferred, nothing exposed; content delivered in clear to mx1.victim.test at +3.1 s',
      type: 'RFC 8461 §5 MUST NOT',
    });
    expect(failure!.children[0]).toMatch(
      /^✗ starttls\/stripped@as-removed-line · postfix[\s\S]*\n {2}expected {2}deferred[\s\S]*evidence\.ndjson #41–#47/,
    );
  });

  it('warns in system-out, errs when inconclusive, skips what is unsupported', async () => {
    const root = await parsed();
    expect(find(root, 'system-out').map((out) => out.children[0])).toEqual([
      expect.stringContaining('! a/warns'),
    ]);
    expect(find(root, 'error').map(attributesOf)).toEqual([
      { message: 'the lab was slow', type: 'inconclusive' },
      { message: expect.stringMatching('courier was judged in nothing'), type: 'not judged' },
    ]);
    expect(find(root, 'skipped').map(attributesOf)).toEqual([
      { message: 'no dane' },
      { message: 'the host was never called' },
      { message: 'no Docker' },
    ]);
  });

  it('tells no failure where nothing is decided', async () => {
    const slow = failed({ grade: 'inconclusive', remarks: ['the lab was slow'] });
    const [error] = find(await parsed(summary([slow])), 'error');
    expect(error!.children[0]).toMatch(/^\? starttls\/stripped@as-removed-line/);
    expect(error!.children[0]).not.toContain('✗');
  });

  describe('is red where the exit code is not 0', () => {
    /** Of each case that is not skipped and not passed: what it is, its name, its message. */
    const redOf = async (of: typeof run) =>
      find(await parsed(of), 'testcase').flatMap((one) =>
        childrenOf(one)
          .filter(({ name }) => name === 'failure' || name === 'error')
          .map((child) => [child.name, attributesOf(one).name, attributesOf(child).message]),
      );
    const two = summary([result(), result({ sender: 'exim', scenario: 'a/x' })]);

    it('after an interruption', async () => {
      expect(await redOf({ ...two, interrupted: true })).toEqual([
        ['error', 'not judged: 1 scenario', 'the run was interrupted'],
        ['error', 'not judged: 1 scenario', 'the run was interrupted'],
      ]);
      const early = summary([], { interrupted: true });
      expect(await redOf(early)).toEqual([['error', 'interrupted', 'the run was interrupted']]);
      expect(await redOf(summary([]))).toEqual([
        ['error', 'nothing ran', 'no scenario was run on any sender'],
      ]);
    });

    it('where a sender broke, or could not be started', async () => {
      const broken = { name: 'exim', reason: 'it died', isBroken: true };
      expect(await redOf({ ...two, skippedSenders: [broken] })).toEqual([
        ['error', 'start', 'it died'],
        ['error', 'not judged: 1 scenario', 'the sender could not be run any more'],
      ]);
      const unstarted = { ...broken, name: 'courier' };
      expect(await redOf(summary([result()], { skippedSenders: [unstarted] }))).toEqual([
        ['error', 'start', 'it died'],
      ]);
    });

    it('where the list of known failures is wrong', async () => {
      const entry = { scenarios: 'a/*', reason: 'x', file: 'mine/known.yaml', line: 7 };
      const wrong = { sender: 'postfix', kind: 'passes', entry } as const;
      expect(await redOf(summary([result()], { knownNoMore: [wrong] }))).toEqual([
        [
          'failure',
          'a/* (mine/known.yaml:7)',
          '✓ a/* · postfix: passes now; delete mine/known.yaml:7',
        ],
      ]);
    });

    it('where --strict counts it as a failure', async () => {
      const given = summary([
        result(),
        result({ scenario: 'a/w', grade: 'warn', findings: [finding({ grade: 'warn' })] }),
        result({ scenario: 'a/n', grade: 'not-met', findings: [finding({ grade: 'not-met' })] }),
      ]);
      expect(await redOf(given)).toEqual([]);
      const strict = { ...given, run: { ...given.run, strict: true } };
      const ACTUAL = 'content delivered in clear to mx1.victim.test at +3.1 s';
      expect(await redOf(strict)).toEqual([
        ['failure', 'a/w', `expected deferred, nothing exposed; ${ACTUAL}`],
        ['failure', 'a/n', `expected deferred, nothing exposed; ${ACTUAL}`],
      ]);
    });
  });

  it('goes to a file, when there is a place for files', async () => {
    const { out, files } = await report(reporter, run, { outDir: 'out' });
    expect(out).toBe('');
    expect(Object.keys(files)).toEqual(['junit.xml']);
    expect(parseXml(files['junit.xml']!).name).toBe('testsuites');
  });

  it('keeps to the schema that Jenkins checks', async () => {
    const root = await parsed();
    expect(schemaProblems(root)).toEqual([]);
  });

  it('is well-formed whatever a sender says', async () => {
    const hostile = fc
      .array(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
          fc.constantFrom(
            ']]>',
            '<!--',
            '-->',
            '<![CDATA[',
            '&#0;',
            '&',
            '<?',
            '"',
            "'",
            '\0',
            '\ufffe',
            '\ud800',
            '\r\n',
            '\t',
            '</failure>',
          ),
        ),
      )
      .map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(hostile, hostile, fc.constantFrom(...grades), async (text, other, grade) => {
        const said = observed(
          [
            { kind: 'sender-status', token: 'm', status: 'deferred', detail: text },
            {
              kind: 'smtp-data',
              connection: 'c1',
              mx: text,
              secure: false,
              authenticated: false,
              bytes: 1,
              tokens: ['m'],
              excerpt: other,
            },
          ],
          1,
        );
        const own = finding({
          grade,
          expected: text,
          actual: other,
          requirement: text,
          because: [1, 2],
          harm: 'content',
        });
        const one = result(
          {
            grade,
            findings: [own],
            remarks: [other],
            sender: text,
            senderVersion: other,
            scenario: other,
          },
          said,
        );
        const root = await parsed(
          summary([one], { skippedSenders: [{ name: other, reason: text }] }),
        );
        expect(schemaProblems(root)).toEqual([]);
        const isJudged = grade !== 'not-met' && grade !== 'unsupported';
        expect(find(root, 'testcase')).toHaveLength(isJudged ? 2 : 3);
      }),
    );
  });
});

/** junit-10.xsd of Jenkins' xUnit plugin, as far as it goes for what is written here. */
const SCHEMA: Readonly<
  Record<
    string,
    {
      required: readonly string[];
      optional: readonly string[];
      children: readonly string[];
      text?: true;
    }
  >
> = {
  testsuites: {
    required: [],
    optional: ['name', 'time', 'tests', 'failures', 'errors'],
    children: ['testsuite'],
  },
  testsuite: {
    required: ['name', 'tests', 'failures', 'errors'],
    optional: [
      'group',
      'time',
      'skipped',
      'timestamp',
      'hostname',
      'id',
      'package',
      'file',
      'log',
      'url',
    ],
    children: ['testsuite', 'properties', 'testcase', 'system-out', 'system-err'],
  },
  testcase: {
    required: ['name'],
    optional: ['time', 'classname', 'group'],
    children: ['skipped', 'error', 'failure', 'system-out', 'system-err'],
  },
  failure: { required: [], optional: ['type', 'message'], children: [], text: true },
  error: { required: [], optional: ['type', 'message'], children: [], text: true },
  skipped: { required: [], optional: ['type', 'message'], children: [], text: true },
  'system-out': { required: [], optional: [], children: [], text: true },
};
const TIME = /^(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?$/;

function schemaProblems(element: XmlElement): string[] {
  const rule = SCHEMA[element.name];
  if (!rule) return [`no element ${element.name}`];
  const attributes = attributesOf(element);
  const outcomes = childrenOf(element).filter((child) =>
    ['failure', 'error', 'skipped'].includes(child.name),
  );
  return [
    ...rule.required
      .filter((name) => !(name in attributes))
      .map((name) => `${element.name} lacks ${name}`),
    ...Object.keys(attributes)
      .filter((name) => ![...rule.required, ...rule.optional].includes(name))
      .map((name) => `${element.name} has ${name}`),
    ...(attributes.time === undefined || TIME.test(attributes.time)
      ? []
      : [`time ${attributes.time}`]),
    ...(rule.text ||
    element.children.every((child) => typeof child !== 'string' || child.trim() === '')
      ? []
      : [`text in ${element.name}`]),
    ...childrenOf(element)
      .filter((child) => !rule.children.includes(child.name))
      .map((child) => `${child.name} in ${element.name}`),
    ...(element.name === 'testcase' && outcomes.length > 1 ? ['two outcomes'] : []),
    ...childrenOf(element).flatMap(schemaProblems),
  ];
}
