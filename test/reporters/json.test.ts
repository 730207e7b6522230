import { describe, expect, it } from 'vitest';
import { reporter } from '../../harness/reporters/json.ts';
import { failed, finding, report, result, summary } from './fixtures.ts';

const run = summary([failed(), result({ scenario: 'starttls/refused@454' })], {
  evidenceDir: 'out/run-1',
  skippedSenders: [{ name: 'exim', reason: 'no Docker' }],
});

describe('the json reporter', () => {
  it('writes one document to standard output', async () => {
    const { out, files } = await report(reporter, run);
    expect(files).toEqual({});
    expect(JSON.parse(out)).toMatchObject({
      schemaVersion: 3,
      holdfast: '0.1.0',
      node: '24.21.0',
      startedAt: '2026-11-22T14:50:03.123Z',
      elapsedMs: 12_345,
      interrupted: false,
      evidenceDir: 'out/run-1',
      summary: { pass: 1, warn: 0, fail: 1, inconclusive: 0, unsupported: 0 },
      senders: [{ name: 'postfix', version: '3.10.13', counts: { pass: 1, fail: 1 } }],
      skippedSenders: [{ name: 'exim', reason: 'no Docker' }],
      scenarios: [
        { id: 'starttls/stripped@as-removed-line', file: 'scenarios/starttls/stripped.yaml' },
        { id: 'starttls/refused@454' },
      ],
      verdicts: [
        {
          scenario: 'starttls/stripped@as-removed-line',
          grade: 'fail',
          exposure: 'content',
          findings: [
            {
              requirement: '8461-5-enforce-no-starttls',
              level: 'MUST NOT',
              citation:
                'RFC 8461 §5: under enforce, no delivery to a host that does not offer STARTTLS',
              because: [41, 42, 43, 44, 45, 46, 47],
            },
          ],
        },
        { scenario: 'starttls/refused@454', grade: 'pass', findings: [] },
      ],
    });
  });

  it('or to a file, when there is a place for files', async () => {
    const { out, files } = await report(reporter, run, { outDir: 'out' });
    expect(out).toBe('');
    expect(JSON.parse(files['holdfast.json']!).verdicts).toHaveLength(2);
  });

  it('keeps hostile words whole and harmless', async () => {
    const evil = '\x1b[2J\x9b\n::error::owned ##[error]\u202e\ud800';
    const { out } = await report(
      reporter,
      summary([result({ findings: [finding({ actual: evil, requirement: 'unheard-of' })] })]),
    );
    expect(JSON.parse(out).verdicts[0].findings[0].actual).toBe(evil);
    expect(JSON.parse(out).verdicts[0].findings[0]).not.toHaveProperty('citation');
    expect(out).not.toMatch(/[^\P{C}\n]|##\[/u);
  });
});
