import { describe, expect, it, vi } from 'vitest';
import { run } from '../../harness/commands/run.ts';
import { type Sender, SenderError } from '../../harness/model/sender.ts';
import { testTerminal } from './terminal.ts';

vi.mock('../../harness/senders/built-in.ts', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../harness/senders/built-in.ts')>();
  const reference = (await original.builtInSender('reference'))!;
  const starting = (name: string, start: Sender['start'], missing?: string): Sender => ({
    ...reference,
    name,
    start,
    unavailable: async () => missing,
  });
  const fakes = new Map([
    [
      'unstartable',
      starting('unstartable', () =>
        Promise.reject(new SenderError('no such image: docker pull it')),
      ),
    ],
    ['faulty', starting('faulty', () => Promise.reject(new TypeError('x is not a function')))],
    ['missing', starting('missing', reference.start, 'npm install missing')],
  ]);
  return {
    ...original,
    builtInSender: async (name: string) => fakes.get(name) ?? original.builtInSender(name),
  };
});

/** Runs one scenario against these senders, and gives what was printed and how it ended. */
async function runWith(...senders: string[]) {
  const { terminal, out } = testTerminal();
  const ended = await run(
    { scenarios: ['tls/sni'], senders, reporters: ['text'], jobs: 2, verbose: true },
    terminal,
  ).catch((error) => error);
  return { out: out(), ended };
}

describe('a sender', () => {
  it('that cannot be started is told with the reason, and stops no other', async () => {
    const { out, ended } = await runWith('unstartable', 'reference');
    expect(out).toMatch(/^✓ tls\/sni · reference/m);
    expect(out).toContain('unstartable: no such image: docker pull it');
    expect(ended).toBe(70);
  });

  it('that breaks the harness does not take with it what is known', async () => {
    const { out, ended } = await runWith('reference', 'faulty');
    expect(out).toMatch(/^1 verdict .* 1 pass · interrupted, 1 not judged$/m);
    expect(ended).toEqual(new TypeError('x is not a function'));
  });

  it('that is not available is skipped with the reason, and the gate is not open', async () => {
    const { out, ended } = await runWith('missing', 'reference');
    expect(out).toContain('missing: npm install missing');
    expect(ended).toBe(2);
  });

  it('has to be there, or nothing was run', async () => {
    const { out, ended } = await runWith('missing');
    expect(out).toContain('missing: npm install missing');
    expect(ended).toBe(2);
  });
});
