/**
 * npm run bench: how fast the suite is, against what the wire alone costs.
 *
 * The whole suite on the reference sender, in as many threads and jobs as it takes by itself; then, in
 * the same process and one thread, a bare loop on loopback that makes as many DNS queries, HTTPS GETs
 * and SMTP dialogues (with and without TLS), some at once, and judges nothing. The ratio holds when the
 * machine's speed drifts.
 */

import { spawnSync } from 'node:child_process';
import { promises as dns } from 'node:dns';
import { once } from 'node:events';
import https from 'node:https';
import net from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import dns2, { Packet } from 'dns2';
import { SMTPServer } from 'smtp-server';
import { createPki } from '../certs/index.ts';
import { readLines } from '../harness/lab/lines.ts';
import type { TrialResult } from '../harness/model/reporter.ts';
import { ofKind } from '../harness/model/traffic.ts';
import { readDurations } from '../harness/results/durations.ts';
import { longestFirst } from '../harness/results/shard.ts';
import { keepHeapSmall } from '../harness/run/heap.ts';
import { runSenders } from '../harness/run/senders.ts';
import { referenceSender } from '../harness/senders/reference/index.ts';
import { findPackage } from '../harness/shipped.ts';
import { loadVocabulary } from '../harness/vocabulary.ts';
import { shippedScenarios } from './mutants/try.ts';

const JOBS = 32;
const LIST_RUNS = 5;

/** What went over the wire. */
interface Traffic {
  dnsQueries: number;
  httpsGets: number;
  smtpInTls: number;
  smtpInClear: number;
}

// As the command line does.
keepHeapSmall();
const scenarios = longestFirst(
  await shippedScenarios(),
  await readDurations(findPackage().durations),
);
const vocabulary = await loadVocabulary();
const loopDelay = monitorEventLoopDelay({ resolution: 10 });
loopDelay.enable();
const traffic: Traffic = { dnsQueries: 0, httpsGets: 0, smtpInTls: 0, smtpInClear: 0 };
const suite = await timed(async () => {
  const senders = [referenceSender()];
  const onResult = (result: TrialResult) => count(result, traffic);
  await runSenders({ vocabulary, senders, scenarios, tell: console.error, onResult });
});
loopDelay.disable();
const memoryMiB = process.resourceUsage().maxRSS / 1024;
const bare = await timed(() => bareLoop(traffic));
const list = median(Array.from({ length: LIST_RUNS }, timeOfList));

const round = (n: number, digits = 1) => n.toFixed(digits);
console.log(
  `suite        ${scenarios.length} variants in ${round(suite.seconds)} s: ${round(scenarios.length / suite.seconds)} variants/s, ${round(suite.cpuSeconds)} s of CPU`,
);
console.log(
  `wire         ${traffic.dnsQueries} DNS queries, ${traffic.httpsGets} HTTPS GETs, ${traffic.smtpInTls} SMTP dialogues in TLS, ${traffic.smtpInClear} in clear`,
);
console.log(
  `bare loop    the same in ${round(bare.seconds)} s, ${round(bare.cpuSeconds)} s of CPU`,
);
console.log(
  `ratio        ${round(suite.seconds / bare.seconds, 2)} by the clock, ${round(suite.cpuSeconds / bare.cpuSeconds, 2)} by CPU (aim: at most 1.0, and 1.6)`,
);
console.log(
  `event loop   late by ${round(loopDelay.percentile(50) / 1e6)} ms (median), ${round(loopDelay.percentile(99) / 1e6)} ms (99 %), ${round(loopDelay.max / 1e6)} ms at most`,
);
console.log(`peak memory  ${round(memoryMiB, 0)} MiB (aim: at most 400)`);
console.log(`list         ${round(list, 2)} s, median of ${LIST_RUNS} (aim: at most 0.3)`);

function count({ trial }: TrialResult, traffic: Traffic): void {
  const seen = trial.evidence.observations;
  const handshakes = ofKind(seen, 'tls-handshake');
  const inTls = handshakes.filter((one) => one.service === 'mx').length;
  traffic.dnsQueries += ofKind(seen, 'dns-query').length;
  traffic.httpsGets += handshakes.length - inTls;
  traffic.smtpInTls += inTls;
  traffic.smtpInClear += ofKind(seen, 'smtp-connection').length - inTls;
}

async function timed(
  work: () => Promise<unknown>,
): Promise<{ seconds: number; cpuSeconds: number }> {
  const began = performance.now();
  const cpu = process.cpuUsage();
  await work();
  const used = process.cpuUsage(cpu);
  return {
    seconds: (performance.now() - began) / 1000,
    cpuSeconds: (used.user + used.system) / 1e6,
  };
}

function timeOfList(): number {
  const began = performance.now();
  const { status } = spawnSync(process.execPath, [
    fileURLToPath(new URL('../dist/harness/cli.js', import.meta.url)),
    'list',
  ]);
  if (status !== 0) throw new Error('holdfast list failed: is dist/ built?');
  return (performance.now() - began) / 1000;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

// ---- the bare loop ----

async function bareLoop({ dnsQueries, httpsGets, smtpInTls, smtpInClear }: Traffic): Promise<void> {
  const pki = await createPki();
  const { keyPem: key, chainPem: cert } = pki.issue({
    profile: 'right',
    host: 'localhost',
    service: 'mx',
  });
  const ca = pki.authorities.mxHosts.certificatePem;
  const web = https
    .createServer({ key, cert }, (_request, response) => response.end('version: STSv1\n'))
    .listen(0, '127.0.0.1');
  const mx = new SMTPServer({
    key,
    cert,
    disabledCommands: ['AUTH'],
    authOptional: true,
    disableReverseLookup: true,
    closeTimeout: 100,
  });
  mx.on('error', () => {});
  mx.listen(0, '127.0.0.1');
  const names = dns2.createUDPServer(((request: Packet, send: (answer: Packet) => void) => {
    const answer = Packet.createResponseFromRequest(request);
    answer.answers.push(
      new Packet.Resource({
        name: request.questions[0]!.name,
        type: 1,
        class: 1,
        ttl: 0,
        address: '127.0.0.1',
      } as never),
    );
    send(answer);
  }) as never);
  await new Promise<void>((resolve) => void names.bind(0, '127.0.0.1', resolve));
  if (!web.listening) await once(web, 'listening');
  const webPort = (web.address() as net.AddressInfo).port;
  const mxPort = (mx.server.address() as net.AddressInfo).port;
  const resolver = new dns.Resolver();
  resolver.setServers([`127.0.0.1:${names.address().port}`]);
  const context = tls.createSecureContext({ ca });

  const work = [
    ...Array.from({ length: smtpInTls }, () => () => dialogue(mxPort, context)),
    ...Array.from({ length: smtpInClear }, () => () => dialogue(mxPort)),
    ...Array.from({ length: httpsGets }, () => () => get(webPort, ca)),
    ...Array.from({ length: dnsQueries }, (_, i) => () => resolver.resolve4(`n${i}.test`)),
  ];
  const worker = async () => {
    for (let next = work.shift(); next; next = work.shift()) await next();
  };
  await Promise.all(Array.from({ length: JOBS }, worker));
  web.close();
  names.close();
  await new Promise<void>((resolve) => mx.close(() => resolve()));
}

async function dialogue(port: number, secureContext?: tls.SecureContext): Promise<void> {
  let socket: net.Socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  let reader = readLines(socket);
  const reply = async () => {
    for (let line = await reader.line(); line?.[3] === '-'; line = await reader.line());
  };
  const say = (line: string) => {
    socket.write(`${line}\r\n`);
    return reply();
  };
  await reply();
  await say('EHLO bench.test');
  if (secureContext) {
    await say('STARTTLS');
    reader.detach();
    socket = tls.connect({ socket, secureContext, servername: 'localhost' });
    await once(socket, 'secureConnect');
    reader = readLines(socket);
    await say('EHLO bench.test');
  }
  await say('MAIL FROM:<a@bench.test>');
  await say('RCPT TO:<b@bench.test>');
  await say('DATA');
  await say('Subject: bench\r\n\r\nbench\r\n.');
  await say('QUIT');
  socket.destroy();
}

async function get(port: number, ca: string): Promise<void> {
  const request = https.get({ port, host: '127.0.0.1', servername: 'localhost', ca, agent: false });
  const [response] = await once(request, 'response');
  response.resume();
  await once(response, 'end');
}
