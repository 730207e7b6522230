import { expect, it } from 'vitest';
import { run } from '../../harness/commands/run.ts';
import { testTerminal } from './terminal.ts';

const asked = (senders: readonly string[], keep?: string) =>
  run(
    { scenarios: ['tls/sni'], senders, reporters: ['text'], pcap: true, keep },
    testTerminal().terminal,
  );

it('on loopback there are no packets to keep', async () => {
  await expect(asked(['reference', 'postfix'], 'none')).rejects.toThrow(
    '--pcap is for senders with addresses of their own, in Docker or outside: reference is run on loopback',
  );
});

it('packets lie beside the evidence', async () => {
  await expect(asked(['postfix'])).rejects.toThrow('give --keep DIR');
});
