/**
 * A run in which everything that a sender can say is hostile: its name, its commands, its mail, its
 * log, its reports, and what it asks for.
 */

import { DEFAULT_POLICY } from '../../harness/model/baseline.ts';
import type { Event } from '../../harness/model/observation.ts';
import { finding, observed, result, summary, type Told } from '../reporters/fixtures.ts';

/** Each would do harm in one way; `owned` is set if any script of theirs runs. */
const HOSTILE = [
  '<script>globalThis.owned = 1</script>',
  '</script><script>globalThis.owned = 2</script>',
  '</style><style>* { display: none }</style>',
  '<img src="x" onerror="globalThis.owned = 3">',
  '" onmouseover="globalThis.owned = 4" x="',
  'javascript:globalThis.owned=5',
  ']]> --> */ `globalThis.owned = 6` {{7*7}}',
  '\u202etxt.exe\u2066 \u200b\ufeff\u2028',
  '\u001b[2J\u001b]0;owned\u0007',
  '\0\ud800 \ue000\ue001 \uf8ff',
  '__proto__',
] as const;

/** All of it, and a line of a megabyte. */
const WORST = `${HOSTILE.join(' ')} ${'A'.repeat(1_000_000)}`;

export function hostileRun(): Told {
  return summary(
    HOSTILE.map((text, index) =>
      result(
        {
          sender: `sender ${index} ${text}`,
          senderVersion: text,
          scenario: 'starttls/stripped@as-removed-line',
          grade: 'fail',
          exposure: 'content',
          findings: [
            finding({
              actual: WORST,
              expected: text,
              because: [41, 42, 43, 44],
              harm: 'content',
              compared: [{ what: text, reported: text, seen: WORST, differs: true }],
            }),
          ],
          remarks: [WORST],
        },
        observed(index === 0 ? eventsSaying(WORST) : eventsSaying(text), 40),
      ),
    ),
    { skippedSenders: [{ name: WORST, reason: WORST }] },
  );
}

/** An event of every kind that has words of the sender's in it, and in each of them this text. */
function eventsSaying(text: string): Event[] {
  const at = {
    connection: 'c1',
    mx: 'mx1.victim.k3x9-7.test',
    secure: false,
    authenticated: false,
  };
  return [
    {
      kind: 'step-started',
      label: 'k3x9-7',
      policy: DEFAULT_POLICY,
      permittedMx: ['mx1.victim.k3x9-7.test'],
    },
    { kind: 'smtp-connection', ...at, address: '127.64.1.1', nth: 1 },
    { kind: 'smtp-command', ...at, verb: text, line: text, early: false },
    { kind: 'smtp-reply', ...at, to: text, reply: `250 ${text}\r\n250 ${text}`, changed: true },
    { kind: 'smtp-data', ...at, bytes: 10, tokens: [text], excerpt: `Subject: ${text}\r\n${text}` },
    { kind: 'smtp-garbage', ...at, excerpt: text },
    { kind: 'dns-query', name: text, type: text, transport: 'udp', answer: 'NXDOMAIN' },
    {
      kind: 'web-connection',
      connection: 'w1',
      service: 'policy-host',
      host: text,
      scheme: 'https',
    },
    {
      kind: 'tls-handshake',
      connection: 'w1',
      service: 'policy-host',
      host: text,
      hello: true,
      servername: text,
      certificate: text,
      authenticated: false,
      result: 'failed',
      protocol: text,
      cipher: text,
      reason: text,
    },
    {
      kind: 'policy-request',
      host: text,
      scheme: 'https',
      method: text,
      path: text,
      hostHeader: text,
      conditional: false,
      status: 200,
      complete: true,
      authenticated: true,
      contentType: text,
      body: text,
    },
    {
      kind: 'message-accepted',
      ...at,
      mailFrom: text,
      rcptTo: [text],
      tokens: [text],
      subject: text,
      dsnAction: text,
    },
    { kind: 'message-submitted', token: text, from: text, to: text },
    { kind: 'sender-status', token: text, status: 'deferred', detail: text },
    { kind: 'sender-failed', detail: text },
    { kind: 'queue-listed', tokens: [text] },
    {
      kind: 'report-received',
      host: text,
      contentType: text,
      report: JSON.parse(`{ ${JSON.stringify(text)}: [${JSON.stringify(text)}], "__proto__": 1 }`),
      problem: text,
    },
    { kind: 'smtp-closed', ...at, by: 'sender', how: text, held: text },
  ];
}
