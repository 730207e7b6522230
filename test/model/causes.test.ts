import { describe, expect, it } from 'vitest';
import { causesOf } from '../../harness/model/causes.ts';
import { failed, finding, result } from '../reporters/fixtures.ts';

const known = { scenarios: 'a', reason: 'theirs', file: 'known.yaml', line: 1 };
const shown = (...results: Parameters<typeof causesOf>[0]) =>
  causesOf(results).map((cause) => [cause.shown, cause.scenarios]);

describe('causes', () => {
  it('tell what differs only in names, numbers and words of the sender once', () => {
    const actual = (words: string) => ({ findings: [finding({ actual: words })] });
    expect(
      shown(
        failed({ scenario: 'a', ...actual('deferred: 450 try again, after 3.1 s at mx1.a.test') }),
        failed({ scenario: 'b', ...actual('deferred: nobody there') }),
        failed({ scenario: 'c', ...actual('delivered in clear to mx1.victim.test at +3.1 s') }),
        failed({ scenario: 'd', ...actual('delivered in clear to mx2.victim.test at +12 s') }),
      ),
    ).toEqual([
      ['fail', ['a', 'b']],
      ['fail', ['c', 'd']],
    ]);
  });

  it('come worst first, and what is known last', () => {
    const warns = { grade: 'warn', findings: [finding({ grade: 'warn' })] } as const;
    expect(
      shown(
        { ...failed({ scenario: 'known' }), known },
        result({ scenario: 'warns', ...warns }),
        failed({ scenario: 'fails' }),
      ),
    ).toEqual([
      ['fail', ['fails']],
      ['warn', ['warns']],
      ['known', ['known']],
    ]);
  });

  it('are not steps that another cause kept from being run', () => {
    const grade = 'inconclusive';
    const findings = [
      finding({ grade, step: 0, actual: 'the honest message was not delivered' }),
      finding({ grade, step: 1, actual: 'an earlier step went wrong' }),
    ];
    expect(shown(result({ scenario: 'a', grade, findings }))).toEqual([[grade, ['a']]]);
    expect(shown(result({ scenario: 'a', grade, findings: findings.slice(1) }))).toHaveLength(1);
  });

  it('are not what a failure left undecided', () => {
    const findings = [finding(), finding({ grade: 'inconclusive', actual: 'no MAIL inside TLS' })];
    expect(shown({ ...failed({ scenario: 'a', findings }), known })).toEqual([['known', ['a']]]);
  });

  it('accuse nobody where the lab was too slow to decide', () => {
    const slow = { grade: 'inconclusive', remarks: ['the lab was 700 ms late'] } as const;
    const findings = [finding({ grade: 'fail' }), finding({ grade: 'warn', actual: 'late' })];
    expect(shown(result({ scenario: 'a', ...slow, findings }))).toEqual([
      ['inconclusive', ['a']],
      ['inconclusive', ['a']],
    ]);
  });
});
