/** Coverage: computed of small tables, and kept true of the shipped suite. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { countUses, readCatalogue } from '../../harness/coverage/catalogue.ts';
import {
  coverageOf,
  isCovered,
  isDue,
  knownToFail,
  scoredIn,
  shareInWords,
  sharesOf,
} from '../../harness/coverage/coverage.ts';
import { GAPS } from '../../harness/coverage/gaps.ts';
import { readProofs } from '../../harness/coverage/proofs.ts';
import { REQUIREMENTS } from '../../harness/model/requirements.ts';
import { selects } from '../../harness/model/selection.ts';
import { FAULTS } from '../../harness/senders/reference/index.ts';
import { findPackage } from '../../harness/shipped.ts';
import { shippedScenarios } from '../mutants/try.ts';

const SNI = '8461-7.1-sni-smtp';
const proof = { requirement: SNI, scenario: 'tls/sni', faults: ['no-sni-to-mx'] };
const rowOf = (id: string, ...given: Parameters<typeof coverageOf>) =>
  coverageOf(...given).find((row) => row.id === id)!;

describe('a requirement', () => {
  const named = [{ id: 'tls/sni', requirements: [SNI] }];

  it('is not covered by a scenario that names it', () => {
    const row = rowOf(SNI, named, [], []);
    expect(isCovered(row)).toBe(false);
    expect(row.named).toEqual(['tls/sni']);
  });

  it('is covered by a scenario that finds it broken, and needs no reason then', () => {
    const row = rowOf(SNI, named, [proof], [{ reason: 'Too hard.', requirements: [SNI] }]);
    expect(isCovered(row)).toBe(true);
    expect(row).toMatchObject({
      proofs: [{ scenario: 'tls/sni', faults: ['no-sni-to-mx'] }],
      named: [],
      reason: undefined,
    });
  });

  it('has the reason that is given, or that of its level', () => {
    const gaps = [{ reason: 'Too hard.', requirements: [SNI] }];
    expect(rowOf(SNI, [], [], gaps).reason).toBe('Too hard.');
    expect(rowOf(SNI, [], [], []).reason).toBeUndefined();
    expect(rowOf('3207-4-454-policy', [], [], []).reason).toMatch(/^The RFC leaves it/);
    expect(rowOf('7817-3-scope', [], [], []).reason).toMatch(/^Nothing on the wire/);
  });
});

it('senders are told of whose lists name a scenario that covers it', () => {
  const list = (sender: string, scenarios: string) => ({
    sender,
    entries: [{ scenarios, reason: '', file: '', line: 1 }],
  });
  expect(
    knownToFail({ proofs: [proof] }, [list('exim', 'tls'), list('haraka', 'starttls')]),
  ).toEqual([{ sender: 'exim', scenarios: ['tls/sni'] }]);
});

it('verdicts are counted by sender, in the scenarios that cover it alone', () => {
  const verdict = (sender: string, scenario: string, grade: 'pass' | 'fail') => ({
    sender,
    scenario,
    grade,
  });
  const verdicts = [
    verdict('a', 'tls/sni', 'fail'),
    verdict('a', 'tls/versions', 'pass'),
    verdict('b', 'tls/versions', 'pass'),
  ];
  expect(scoredIn({ proofs: [proof] }, verdicts)).toEqual([{ sender: 'a', grades: { fail: 1 } }]);
});

it('the sums count what is due', () => {
  const { byRfc, all } = sharesOf(coverageOf([], [proof], []));
  const due = Object.values(REQUIREMENTS).filter(isDue);
  const musts = due.filter((one) => /^MUST/.test(one.level));
  expect(byRfc.get('RFC 8461')!.MUST).toEqual({
    covered: 1,
    of: musts.filter(({ rfc }) => rfc === 'RFC 8461').length,
  });
  expect(all.MUST).toEqual({ covered: 1, of: musts.length });
  expect([shareInWords({ covered: 199, of: 200 }), shareInWords({ covered: 0, of: 0 })]).toEqual([
    '199 of 200, 99 %',
    '',
  ]);
});

describe('the catalogue of attacks', () => {
  const { catalogue } = findPackage();
  const attacks = readCatalogue(readFileSync(catalogue, 'utf8'));

  it('is whole', () => {
    const kinds = { D: 28, P: 54, S: 40, C: 28, T: 19, R: 19, K: 18 };
    const ids = Object.entries(kinds).flatMap(([kind, howMany]) =>
      Array.from({ length: howMany }, (_, n) => `${kind}${String(n + 1).padStart(2, '0')}`),
    );
    expect(attacks.map(({ id }) => id)).toEqual(ids);
  });

  it('names scenarios that there are', async () => {
    const ids = (await shippedScenarios()).map(({ id }) => id);
    const words = attacks.flatMap(({ scenarios }) => scenarios);
    expect(words.filter((word) => !ids.some((id) => selects(word, id)))).toEqual([]);
  });

  it('counts what is used, and what could be', () => {
    expect(
      countUses(readCatalogue('# a head\nX01 one = a/b c\nX02 two ~ why\nX03 three ! why\n')),
    ).toEqual({ of: 3, used: 1, writable: 2 });
    expect(() => readCatalogue('X01 one')).toThrow('no attack of the catalogue: X01 one');
  });
});

describe('the suite', () => {
  const rows = coverageOf([], readProofs(), GAPS);
  const listed = GAPS.flatMap(({ requirements }) => requirements);

  it('covers what is due, or says in harness/coverage/gaps.ts why not', () => {
    const due = rows.filter((row) => isDue(row) && !isCovered(row));
    expect(due.filter(({ reason }) => reason === undefined).map(({ id }) => id)).toEqual([]);
  });

  it('gives no reason for what is covered: its line in harness/coverage/gaps.ts can go', () => {
    expect(
      rows.filter((row) => isCovered(row) && listed.includes(row.id)).map(({ id }) => id),
    ).toEqual([]);
  });

  it('gives one reason for each, by an id that there is', () => {
    expect(listed.filter((id, index) => listed.indexOf(id) !== index)).toEqual([]);
    expect(listed.filter((id) => !Object.hasOwn(REQUIREMENTS, id))).toEqual([]);
  });

  it('is proved by scenarios and faults that there are, else npm run docs', async () => {
    const ids = new Set((await shippedScenarios()).map(({ id }) => id));
    const proofs = readProofs();
    expect(proofs.filter(({ scenario }) => !ids.has(scenario))).toEqual([]);
    expect(proofs.filter(({ requirement }) => !Object.hasOwn(REQUIREMENTS, requirement))).toEqual(
      [],
    );
    const faults = proofs.flatMap((one) => one.faults);
    expect(faults.filter((fault) => !Object.hasOwn(FAULTS, fault))).toEqual([]);
  });
});
