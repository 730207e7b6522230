import { describe, expect, it } from 'vitest';
import { worldOf } from '../../harness/html/world.ts';
import { loadScenarios } from '../../harness/scenario/load.ts';
import { findPackage } from '../../harness/shipped.ts';
import { loadVocabulary } from '../../harness/vocabulary.ts';

const { folder, scenarios: suite } = findPackage();
const { scenarios } = await loadScenarios([suite], folder, await loadVocabulary());
const changesOf = (id: string) =>
  worldOf(scenarios.find((one) => one.id === id)!).steps.map(({ changes }) => changes);

describe('what a step changes', () => {
  it('on the path', () => {
    expect(changesOf('starttls/stripped@as-removed-line')).toEqual([
      [],
      [
        { what: 'mx1.victim.test: beforeTls.ehlo.remove', before: undefined, after: 'STARTTLS' },
        {
          what: 'mx1.victim.test: starttls.reply.text',
          before: undefined,
          after: '502 5.5.1 Command not implemented',
        },
      ],
      [],
    ]);
  });

  it('in DNS and beside it', () => {
    expect(changesOf('mx-matching/wildcard@two-labels-deep')[1]).toContainEqual(
      expect.objectContaining({ after: expect.stringContaining('mx.other.victim.test') }),
    );
  });

  it('is told of every scenario that attacks: no change is left out', () => {
    const silent = scenarios.filter((scenario) =>
      worldOf(scenario).steps.some(
        ({ attacks, changes }) => attacks.length > 0 && changes.length === 0,
      ),
    );
    expect(silent.map(({ id }) => id)).toEqual([]);
  });
});
