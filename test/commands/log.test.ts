import { expect, it, vi } from 'vitest';
import { log } from '../../harness/commands/log.ts';
import type { SenderContract } from '../../harness/model/contract.ts';
import { type Sender, SenderError, type StartedSender } from '../../harness/model/sender.ts';
import { referenceSender } from '../../harness/senders/reference/index.ts';
import { testTerminal } from './terminal.ts';

const CONTRACT: SenderContract = {
  name: 'fake',
  summary: 'A server of the test',
  version: '1',
  place: { kind: 'container', image: 'fake:1', environment: {}, files: {} },
  trust: '/etc/ssl/ca.pem',
  ready: { withinSeconds: 1 },
  submit: { port: 25, starttls: false },
  log: {
    from: 'stdout',
    sent: '^delivered to=<(?<recipient>.*)>',
    deferred: '^deferred to=<(?<recipient>.*)>',
    bounced: '^bounced to=<(?<recipient>.*)>',
  },
  commands: {},
  capabilities: [],
  parallel: 50,
  instances: 'exclusive',
  differs: [],
};
const fake = vi.hoisted(() => ({ sender: undefined as Sender | undefined }));
vi.mock('../../harness/senders/find.ts', () => ({
  contractOf: async () => CONTRACT,
  senderOf: async () => fake.sender!,
}));

/** What `log` says of the reference sender, which writes a log here, with something changed of it. */
async function said(changes: Partial<StartedSender>) {
  const reference = referenceSender();
  fake.sender = {
    ...reference,
    async start(lab, onStatus, onLine) {
      const started = await reference.start(lab, (status) => {
        onLine?.(`${status.status} to=<${status.token}@x>`);
        onStatus(status);
      });
      return { ...started, ...changes };
    },
  };
  const complaints: string[] = [];
  const { terminal, out } = testTerminal({ complain: (text) => void complaints.push(text) });
  const code = await log('fake', terminal);
  const kinds = out()
    .split('\n')
    .map((line) => line.split(' ')[0]);
  return { code, kinds: [...new Set(kinds)].filter(Boolean).toSorted(), complaints };
}

it('every line is told with what the contract takes it for', async () => {
  expect(await said({})).toEqual({
    code: 0,
    kinds: ['bounced', 'deferred', 'sent'],
    complaints: [],
  });
});

it('a command that fails is named, with what it said; what was logged by then is there', async () => {
  const flush = () =>
    Promise.reject(
      new SenderError('in fake, mailq -q exited with code 127; its last words:\n  not found'),
    );
  expect(await said({ flush })).toEqual({
    code: 70,
    kinds: ['bounced', 'deferred', 'sent'],
    complaints: [
      '“commands.flush retries what is kept” failed: in fake, mailq -q exited with code 127; its last words:\n  not found',
    ],
  });
});

it('a sender that does not start is no fault of Holdfast', async () => {
  fake.sender = {
    ...referenceSender(),
    start: () => Promise.reject(new SenderError('fake was not ready within 1 s')),
  };
  const complaints: string[] = [];
  const { terminal } = testTerminal({ complain: (text) => void complaints.push(text) });
  expect(await log('fake', terminal)).toBe(70);
  expect(complaints).toEqual(['fake was not ready within 1 s']);
});
