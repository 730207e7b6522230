/**
 * What `lab` tells: where its servers are and what they publish, lines to try with common tools,
 * and every event, a line each; or all of that as JSON. Names and texts of a scenario, and all that
 * comes in from the wire, are hostile and escaped.
 */

import { qualifyName } from '../model/names.ts';
import type { Event } from '../model/observation.ts';
import {
  type DnsRecord,
  type LabPlan,
  POLICY_HOST,
  POLICY_PATH,
  SENDER_DOMAIN,
  VICTIM,
} from '../model/plan.ts';
import type { Scenario, Step } from '../model/scenario.ts';
import type { Endpoint, LabAccess } from '../model/sender.ts';
import { describeTlsa } from '../model/zone.ts';
import { printable, printableJson } from '../protocol/printable.ts';
import { describeObservation } from '../reporters/failure-text.ts';
import type { Vocabulary } from '../scenario/language.ts';
import { attackLines, expectationLines, stepText } from './explain.ts';
import type { LabPrinter } from './lab.ts';
import { type Terminal, wrap } from './terminal.ts';

export interface HostAddress {
  readonly host: string;
  readonly address: string;
  /** Where its ports really are, before anything refused them. */
  readonly ports: ReadonlyMap<number, Endpoint | undefined>;
}

export interface PrinterOptions {
  readonly terminal: Terminal;
  readonly vocabulary: Vocabulary;
  readonly access: LabAccess;
  /** Path of the file with both authorities. */
  readonly authorities: string;
  readonly scenario?: Scenario;
}

type ToldStage = Parameters<LabPrinter['stage']>[0];

const MAX_COLUMNS = 110;

/** For people. */
export function textPrinter({
  terminal,
  vocabulary,
  access,
  authorities,
  scenario,
}: PrinterOptions): LabPrinter {
  const began = performance.now();
  const width = Math.min(terminal.columns, MAX_COLUMNS);
  let published: readonly string[] | undefined;
  const tell = (lines: readonly string[]) =>
    lines.length > 0 &&
    terminal.write(`${lines.map((line) => printable(line, 2_000)).join('\n')}\n`);
  const tellChange = (now: readonly string[]) => {
    const before = published ?? [];
    const changes = [
      ...asLines(before.filter((text) => !now.includes(text))).map((line) => `  - ${line}`),
      ...asLines(now.filter((text) => !before.includes(text))).map((line) => `  + ${line}`),
    ];
    if (changes.length > 0) tell(['', 'Published now', ...changes]);
  };
  return {
    stage(stage) {
      const now = [...zoneLines(stage.plan), ...pages(stage)];
      if (published === undefined)
        tell([
          ...setUp(stage, access, authorities),
          ...heading('Published', asLines(now)),
          ...tryLines(stage, access, authorities),
        ]);
      tell(['', ...stageLines(stage, scenario, vocabulary, width)]);
      if (published !== undefined) tellChange(now);
      tell(refusalLines(stage, access));
      tell([
        '',
        ...(stage.isLast ? [] : ['Press Enter for the next step.']),
        'What is seen, until Ctrl-C:',
      ]);
      published = now;
    },
    event(event) {
      if (event.kind === 'step-started') return;
      const seconds = ((performance.now() - began) / 1000).toFixed(1).padStart(7);
      tell([`${seconds} s  ${printable(eventLine(event), 400)}`]);
    },
  };
}

/**
 * For programs: an object of the kind `lab` for each stage, and observations as they are kept in
 * evidence.
 */
export function jsonPrinter({
  terminal,
  access,
  authorities,
  scenario,
}: PrinterOptions): LabPrinter {
  const began = performance.now();
  let step = 0;
  let seq = 0;
  const tell = (value: unknown) => terminal.write(`${printableJson(value, 0)}\n`);
  return {
    stage({ label, index, isLast, hosts, plan }) {
      step = index ?? 0;
      tell({
        kind: 'lab',
        scenario: scenario?.id,
        step: index,
        isLast,
        dns: access.dns,
        network: access.network?.docker?.name,
        authorities,
        domain: qualifyName(VICTIM, label),
        hosts: hosts.map(({ host, address, ports }) => ({
          host,
          address,
          ports: Object.fromEntries(ports),
        })),
        plan,
      });
    },
    event(event) {
      tell({
        seq: ++seq,
        at: Math.round((performance.now() - began) * 10) / 10,
        leg: 'main',
        step,
        ...event,
      });
    },
  };
}

// ---- what is there ----

const asLines = (texts: readonly string[]) => texts.flatMap((text) => text.split('\n'));

function heading(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];
}

function setUp(
  { label, hosts, plan }: ToldStage,
  { dns, network }: LabAccess,
  authorities: string,
): string[] {
  const widest = Math.max(...hosts.map(({ host }) => host.length));
  return [
    `Name server  ${dns.address} port ${dns.port}, UDP and TCP`,
    `Authorities  ${authorities} (of policy hosts and of mail exchangers; goes when the lab goes)`,
    ...(network?.docker
      ? [`Network      ${network.docker.name}: only a container in it reaches these addresses`]
      : []),
    `Domain       ${qualifyName(VICTIM, label)}`,
    `Mail         from anybody@${qualifyName(SENDER_DOMAIN, label)}, to anybody@${qualifyName(VICTIM, label)}`,
    ...heading(
      'Hosts',
      hosts.map(
        (host) =>
          `${host.host.padEnd(widest)}  ${host.address.padEnd(15)}  ${whereabouts(host, plan)}`,
      ),
    ),
  ];
}

/** A port that is where it says is only named; 80 only where a policy host speaks plain HTTP. */
function whereabouts({ host, address, ports }: HostAddress, { policyHosts }: LabPlan): string {
  return [...ports]
    .flatMap(([port, actual]) => {
      if (actual === undefined || (port === 80 && !policyHosts[host]?.plainHttp)) return [];
      return actual.address === address && actual.port === port
        ? [`port ${port}`]
        : [`port ${port} is ${actual.address}:${actual.port}`];
    })
    .join(', ');
}

/** As in a master file (RFC 1035 §5.1), without TTL and class. */
export function zoneLines({ dns: { records } }: LabPlan): string[] {
  return records
    .filter(({ type }) => type !== 'A' && type !== 'AAAA')
    .map((record) => `${record.name} ${record.type} ${dataOf(record)}`);
}

function dataOf(record: DnsRecord): string {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return record.host;
    case 'MX':
      return `${record.preference} ${record.exchange}`;
    case 'TXT':
      return [record.text]
        .flat()
        .map((text) => JSON.stringify(text))
        .join(' ');
    case 'CNAME':
      return record.target;
    case 'TLSA':
      return describeTlsa(record);
  }
}

const MOST_CHARS = 4_000;

/** A text for each page, its address in the first line. */
function pages({ plan: { policyHosts }, hosts }: ToldStage): string[] {
  return Object.entries(policyHosts).flatMap(([host, { pages, plainHttp }]) =>
    Object.entries(pages).map(([path, { status, body }]) => {
      const plain = plainHttp ? hosts.find((one) => one.host === host)?.ports.get(80) : undefined;
      const head = [
        `https://${host}${path}`,
        status ?? '',
        plain ? `and by http at ${plain.address}:${plain.port}` : '',
      ];
      const lines = body.slice(0, MOST_CHARS).trimEnd().split(/\r?\n/);
      return [
        head.filter((part) => part !== '').join(' '),
        ...lines.filter((line) => line !== '').map((line) => `    ${line}`),
      ].join('\n');
    }),
  );
}

/**
 * On loopback a port that is refused is another port: who does not ask for the way finds the old
 * one open.
 */
function refusalLines({ plan }: ToldStage, { network }: LabAccess): string[] {
  if (network) return [];
  const hosts = Object.entries({ ...plan.mxHosts, ...plan.policyHosts, ...plan.reportHosts });
  const refused = hosts.filter(([, { reach }]) => reach === 'refused').map(([host]) => host);
  return refused.length === 0
    ? []
    : [
        `Refused now: ${refused.join(', ')}. On loopback the real port answers all the same: take it as refused.`,
      ];
}

/**
 * Lines for a shell. In them stands nothing but what the lab made, and names of the plan, quoted
 * where they are more than a name.
 */
function tryLines(
  { label, hosts, plan }: ToldStage,
  { dns, network }: LabAccess,
  authorities: string,
): string[] {
  const name = (plain: string) => qualifyName(plain, label);
  const at = (host: string | undefined, port: number) =>
    hosts.find((one) => one.host === host)?.ports.get(port);
  const policyHost = name(POLICY_HOST);
  const mx = plan.dns.records.find(
    (record) => record.type === 'MX' && record.name === name(VICTIM),
  );
  const exchange = mx?.type === 'MX' ? mx.exchange : undefined;
  const [policy, mail] = [at(policyHost, 443), at(exchange, 25)];
  const inLab = network?.docker ? 'in_lab ' : '';
  const dig = `${inLab}dig @${dns.address}${dns.port === 53 ? '' : ` -p ${dns.port}`}`;
  return heading('To try', [
    ...(network?.docker ? inLabLines(network.docker.name, authorities) : []),
    `${dig} ${name(VICTIM)} MX`,
    `${dig} ${name(`_mta-sts.${VICTIM}`)} TXT`,
    ...(policy
      ? [
          `${inLab}curl --cacert ${authorities} --connect-to ${policyHost}:443:${policy.address}:${policy.port} https://${policyHost}${POLICY_PATH}`,
        ]
      : []),
    ...(mail && exchange !== undefined
      ? [
          `${inLab}openssl s_client -starttls smtp -connect ${mail.address}:${mail.port} -servername ${word(exchange)} -verify_hostname ${word(exchange)} -verify_return_error -CAfile ${authorities}`,
          `${inLab}swaks --server ${mail.address} --port ${mail.port} --from me@${name(SENDER_DOMAIN)} --to you@${name(VICTIM)} --tls --tls-verify --tls-ca-path ${authorities} --tls-sni ${word(exchange)}`,
        ]
      : []),
    ...(network?.docker
      ? [
          `docker run --rm -it --network ${network.docker.name} --dns ${dns.address} -v ${authorities}:/holdfast.pem:ro IMAGE    # finds no name? There: echo nameserver ${dns.address} >/etc/resolv.conf`,
        ]
      : []),
  ]);
}

/**
 * A shell's way to run a tool in a network that only containers reach. The tools are installed
 * before, as there is no way from there to the Internet.
 */
export function inLabLines(network: string, authorities: string): string[] {
  return [
    `printf 'FROM debian:trixie-slim\\nRUN apt-get update && apt-get install -y bind9-dnsutils curl openssl swaks\\n' | docker build -t holdfast-tools -    # once`,
    `in_lab() { docker run --rm --network ${network} -v ${authorities}:${authorities}:ro holdfast-tools "$@"; }`,
  ];
}

/** A word of a POSIX shell. */
function word(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

// ---- steps ----

function stageLines(
  { index, step, label }: ToldStage,
  scenario: Scenario | undefined,
  vocabulary: Vocabulary,
  width: number,
): string[] {
  if (!scenario)
    return wrap(
      'An honest world: nobody is on the path, and the domain publishes a policy that is to be enforced.',
      width,
    );
  if (step === undefined || index === undefined)
    return [
      scenario.id,
      ...wrap(scenario.title, width),
      '',
      'An honest world, before the first step.',
    ];
  const lines = [
    ...(index === 0 ? [scenario.id, ...wrap(scenario.title, width), ''] : []),
    ...wrap(`Step ${index + 1} of ${scenario.stages.length}. ${stepText(step)}`, width),
    ...('under' in step ? attackLines(step.under, vocabulary, width) : []),
    ...('expect' in step
      ? step.expect.flatMap((use) => expectationLines(use, scenario, vocabulary, width))
      : []),
    ...wrap(`Your part: ${YOUR_PART[step.kind]}.`, width),
  ];
  return lines.map((line) => qualifyName(line, label));
}

/** What whoever sits at a lab does in a step. */
export const YOUR_PART: Readonly<Record<Step['kind'], string>> = {
  prime: 'have the sender send a message to the domain; it has to arrive',
  send: 'have the sender send that',
  publish: 'nothing',
  advance: 'make what the sender remembers older, or go on',
  restart: 'restart the sender',
  flush: "have the sender's queue run",
  refresh: 'have the sender look for new policies, without any mail',
  recover: "have the sender's queue run",
  wait: 'wait',
};

// ---- events ----

/**
 * With the words that went over the wire, which a chain of many observations has no room for. Not
 * yet printable.
 */
export function eventLine(event: Exclude<Event, { kind: 'step-started' }>): string {
  const where = 'connection' in event ? `${event.connection} ` : '';
  switch (event.kind) {
    case 'smtp-command':
      return `${where}> ${event.line.trimEnd()}${event.secure ? '' : '    (in clear)'}`;
    case 'smtp-reply':
      return `${where}< ${event.reply.trimEnd().replace(/\r?\n/g, ' / ')}${event.changed ? '    (changed on the path)' : ''}`;
    case 'tls-handshake':
      return `${where}${describe(event)}, SNI ${event.servername || 'none'}${event.protocol ? `, ${event.protocol}` : ''}`;
    case 'message-accepted':
      return `${where}${describe(event)}: from <${event.mailFrom}> to <${event.rcptTo.join('>, <')}>, "${event.subject}"`;
    default:
      return where + describe(event);
  }
  function describe(seen: Event): string {
    return describeObservation({ seq: 0, at: 0, leg: 'main', step: 0, ...seen });
  }
}
