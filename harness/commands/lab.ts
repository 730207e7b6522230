/**
 * `lab`: a lab that stays up, for work by hand: any tool, or a mail server that is being
 * configured, can look at it.
 *
 * Without a scenario its world is an honest one. With a scenario the world goes through the steps,
 * one with each line of input; whoever sits there does what the harness would make a sender do.
 */

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { whenAborted } from '../concurrency/wait.ts';
import type { Lab } from '../lab/lab.ts';
import type { World } from '../lab/world.ts';
import { openLab } from '../labs/open.ts';
import { baselinePlan, DEFAULT_DOMAIN, DEFAULT_POLICY, permittedMx } from '../model/baseline.ts';
import { qualify } from '../model/names.ts';
import type { Event } from '../model/observation.ts';
import type { LabPlan } from '../model/plan.ts';
import type { Scenario, Step } from '../model/scenario.ts';
import { type LabAccess, type LabKind, SenderError } from '../model/sender.ts';
import type { Stage } from '../model/stage.ts';
import { UsageError } from '../model/usage.ts';
import { trustFile } from '../process/environment.ts';
import { contains, readAddress, readPrefix } from '../protocol/ipv4.ts';
import { printable } from '../protocol/printable.ts';
import type { Vocabulary } from '../scenario/language.ts';
import { missingAddresses } from '../senders/external.ts';
import { loadVocabulary } from '../vocabulary.ts';
import { type HostAddress, jsonPrinter, textPrinter } from './lab-text.ts';
import { selectScenarios } from './select.ts';
import { EXIT, type Terminal } from './terminal.ts';

export interface LabRequest {
  /** One, as in select.ts; none: an honest world. */
  readonly scenario?: string;
  readonly docker?: boolean;
  /**
   * Together with `addresses`: real addresses of this machine, as in an external sender's contract.
   */
  readonly dns?: string;
  readonly addresses?: string;
  readonly json?: boolean;
}

/**
 * Returns when the terminal's signal is given. Throws UsageError when the request makes no sense.
 */
export async function lab(request: LabRequest, terminal: Terminal): Promise<number> {
  const kind = kindOf(request);
  const vocabulary = await loadVocabulary();
  const scenario =
    request.scenario === undefined ? undefined : await oneScenario(request.scenario, vocabulary);
  try {
    const missing = typeof kind === 'object' ? await missingAddresses(kind) : undefined;
    if (missing !== undefined) throw new SenderError(missing);
    await using opened = await openLab(kind, terminal.complain, { signal: terminal.signal });
    await using authorities = await writeAuthorities(opened.access);
    const printer = (request.json ? jsonPrinter : textPrinter)({
      terminal,
      vocabulary,
      access: opened.access,
      authorities: authorities.path,
      scenario,
    });
    const over = whenAborted(terminal.signal);
    await Promise.race([
      over,
      show({ lab: opened, stages: stagesToShow(scenario), printer, terminal }).then(() => over),
    ]);
    return 0;
  } catch (error) {
    if (!(error instanceof SenderError)) throw error;
    if (terminal.signal.aborted) return 0;
    terminal.complain(error.message);
    return EXIT.harnessBroke;
  }
}

function kindOf({ docker, dns, addresses }: LabRequest): LabKind {
  if (docker && (dns ?? addresses) !== undefined)
    throw new UsageError('--docker has addresses of its own: leave out --dns and --addresses');
  if (docker) return 'docker';
  if (dns === undefined && addresses === undefined) return 'loopback';
  if (dns === undefined || addresses === undefined)
    throw new UsageError(
      '--dns and --addresses go together: --dns 10.99.0.1 --addresses 10.99.128.0/17',
    );
  const [server, prefix] = [readAddress(dns), readPrefix(addresses)];
  if (server === undefined)
    throw new UsageError(`--dns ${printable(dns, 80)}: expected an IPv4 address`);
  if (prefix === undefined || prefix.length < 8 || prefix.length > 29)
    throw new UsageError(
      `--addresses ${printable(addresses, 80)}: expected an IPv4 prefix of /8 to /29 that begins on its boundary, such as 10.99.128.0/17`,
    );
  if (contains(prefix, server))
    throw new UsageError(
      `--dns ${dns} lies in ${addresses}: give the name server an address of its own`,
    );
  return { dns, addresses };
}

const NAMED_AT_MOST = 12;

async function oneScenario(word: string, vocabulary: Vocabulary): Promise<Scenario> {
  const found = await selectScenarios([word], vocabulary);
  if (found.length === 1) return found[0]!;
  const ids = found.slice(0, NAMED_AT_MOST).map(({ id }) => `\n  ${id}`);
  const more = found.length > ids.length ? `\n  and ${found.length - ids.length} more` : '';
  throw new UsageError(
    `a lab goes through one scenario, and ${printable(word, 80)} selects ${found.length}:${ids.join('')}${more}`,
  );
}

/** Both in one file, in a folder that goes with it. */
async function writeAuthorities(
  access: LabAccess,
): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-lab-'));
  const path = join(folder, 'authorities.pem');
  await writeFile(path, trustFile(access));
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

// ---- stages ----

/** What there is to see, from one line of input to the next. */
export interface ShownStage extends Pick<Stage, 'policy' | 'permittedMx'> {
  /** Its place in the scenario, from 0; undefined: before the first step. */
  readonly index?: number;
  readonly step?: Step;
  readonly plan: LabPlan;
}

/**
 * Every scenario begins in an honest world, and so does a lab without one. Names are as they are
 * written, not yet a world's own.
 */
export function stagesToShow(scenario: Scenario | undefined): ShownStage[] {
  const { domain = DEFAULT_DOMAIN, policy = DEFAULT_POLICY, stages = [] } = scenario ?? {};
  const honest = {
    policy,
    permittedMx: permittedMx(domain, policy),
    plan: baselinePlan(domain, policy),
  };
  let { plan } = honest;
  const shown = stages.map((stage, index): ShownStage => {
    plan = stage.plan ?? plan;
    const { step, policy: published, permittedMx: patterns } = stage;
    return { index, step, policy: published, permittedMx: patterns, plan };
  });
  return shown[0]?.step?.kind === 'prime' ? shown : [honest, ...shown];
}

/** How stages and events are told. */
export interface LabPrinter {
  stage(
    stage: ShownStage & {
      readonly label: string;
      readonly isLast: boolean;
      readonly hosts: readonly HostAddress[];
    },
  ): void;
  event(event: Event): void;
}

interface Showing {
  readonly lab: Lab;
  readonly stages: readonly ShownStage[];
  readonly printer: LabPrinter;
  readonly terminal: Terminal;
}

/**
 * One stage after the other, a line of input between them. Resolves when there is no other, or
 * nobody will type a line.
 */
async function show({ lab, stages, printer, terminal }: Showing): Promise<void> {
  const label = `x${randomBytes(4).toString('hex')}`;
  const world = lab.createWorld(label, (event) => printer.event(event));
  const known = new Map<string, HostAddress>();
  const set = async (number: number) => {
    const { plan, permittedMx: patterns, ...rest } = stages[number]!;
    const stage = {
      ...rest,
      label,
      plan: qualify(plan, label),
      permittedMx: qualify(patterns, label),
    };
    await openHosts(world, stage.plan, known, lab.access);
    await world.arrange(stage.plan);
    printer.stage({ ...stage, isLast: number === stages.length - 1, hosts: [...known.values()] });
    printer.event({
      kind: 'step-started',
      label,
      policy: stage.policy,
      permittedMx: stage.permittedMx,
    });
  };
  let number = 0;
  await set(number);
  if (stages.length === 1) return;
  for await (const _ of terminal.lines ?? []) {
    await set(++number);
    if (number === stages.length - 1) return;
  }
}

/**
 * A host gets its address when it is first asked for: all of them are asked for, in a world without
 * attacks. The world is asked, not its name server, which may be out of reach from here.
 */
async function openHosts(
  world: World,
  plan: LabPlan,
  known: Map<string, HostAddress>,
  { route }: LabAccess,
): Promise<void> {
  const hosts = [
    ...Object.keys(plan.mxHosts).map((host) => ({ host, ports: [25] })),
    ...Object.keys(plan.policyHosts).map((host) => ({ host, ports: [443, 80] })),
    ...Object.keys(plan.reportHosts).map((host) => ({ host, ports: [443] })),
  ].filter(({ host }) => !known.has(host));
  if (hosts.length === 0) return;
  const plainly = <T>(some: Readonly<Record<string, unknown>>, value: T) =>
    Object.fromEntries(Object.keys(some).map((host) => [host, value]));
  await world.arrange({
    dns: { records: [], rules: [] },
    mxHosts: plainly(plan.mxHosts, {}),
    policyHosts: plainly(plan.policyHosts, { pages: {}, plainHttp: true }),
    reportHosts: plainly(plan.reportHosts, {}),
  });
  await Promise.all(
    hosts.map(async ({ host, ports }) => {
      const address = (await world.addressOf(host, 4))!;
      const routes = ports.map((port) => [port, route(address, port)] as const);
      known.set(host, { host, address, ports: new Map(routes) });
    }),
  );
}
