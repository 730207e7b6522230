/**
 * Hand-made evidence for tests of the judge and of expectations: what a lab would have recorded,
 * told as a story.
 *
 *   evidence().primed().step(1).submit().mx().connect().ehlo().quit().status('deferred')
 *
 * Names are given plain (`mx1.victim.test`) and qualified as in a run. What needs a message means
 * the one submitted last in that leg; what needs a connection means the one opened last.
 */

import {
  DEFAULT_DOMAIN,
  DEFAULT_POLICY,
  permittedMx,
  policyText,
} from '../harness/model/baseline.ts';
import { LOOK_LASTS_SECONDS, type StepView, viewStep } from '../harness/model/evidence.ts';
import { qualify } from '../harness/model/names.ts';
import type { Event, Leg, Observation } from '../harness/model/observation.ts';
import {
  POLICY_HOST,
  POLICY_PATH,
  REPORT_HOST,
  SENDER_DOMAIN,
  SENDER_MX,
  STS_NAME,
  VICTIM,
} from '../harness/model/plan.ts';
import type {
  DomainSpec,
  ExpectationUse,
  PolicySpec,
  Scenario,
  Step,
} from '../harness/model/scenario.ts';
import { CAPABILITIES, type Capability } from '../harness/model/sender.ts';
import { compileStages } from '../harness/model/stage.ts';
import type { Expectation, Judgement, Trial } from '../harness/model/verdict.ts';
import { loadVocabulary } from '../harness/vocabulary.ts';

export const vocabulary = await loadVocabulary();
export const { expectations } = vocabulary;

const MX1 = 'mx1.victim.test';
type Of<K extends Event['kind']> = Partial<Extract<Event, { kind: K }>>;
type Status = 'delivered' | 'deferred' | 'bounced';

export interface EvidenceBuilder {
  readonly observations: readonly Observation[];
  /** Goes on in this step and leg, and begins it there. */
  step(index: number, leg?: Leg, policy?: Partial<PolicySpec>): EvidenceBuilder;
  /** Longer than a look at the TXT record lasts (RFC 8461 §3.3, §5). */
  later(): EvidenceBuilder;
  /** Any event as it stands. */
  see(event: Event): EvidenceBuilder;
  submit(to?: string, change?: Of<'message-submitted'>): EvidenceBuilder;
  txt(name?: string): EvidenceBuilder;
  mx(name?: string): EvidenceBuilder;
  /** Looked for the MX and was told of none. */
  unanswered(answer: string): EvidenceBuilder;
  fetch(change?: Of<'policy-request'>): EvidenceBuilder;
  policyTls(change?: Of<'tls-handshake'>): EvidenceBuilder;
  connect(mx?: string): EvidenceBuilder;
  command(line: string, change?: Of<'smtp-command'>): EvidenceBuilder;
  /** EHLO and its reply, with these keywords. */
  ehlo(...keywords: readonly string[]): EvidenceBuilder;
  /** STARTTLS, the handshake, and EHLO again. */
  tls(change?: Of<'tls-handshake'>, ...keywords: readonly string[]): EvidenceBuilder;
  mail(from?: string, parameters?: string): EvidenceBuilder;
  rcpt(to?: string): EvidenceBuilder;
  /** Content passed the path. */
  data(change?: Of<'smtp-data'>): EvidenceBuilder;
  accepted(change?: Of<'message-accepted'>): EvidenceBuilder;
  /** MAIL, RCPT, content, arrival. */
  delivered(): EvidenceBuilder;
  quit(): EvidenceBuilder;
  /** A DSN comes home. */
  dsn(action?: string): EvidenceBuilder;
  status(status: Status, detail?: string): EvidenceBuilder;
  reports(...reports: readonly unknown[]): EvidenceBuilder;
  /** It came. */
  report(report: unknown): EvidenceBuilder;
  /** A report of the honest domain beside came too; back to the main leg after that. */
  reporter(): EvidenceBuilder;
  health(eventLoopDelayMs?: number, slowestAnswerMs?: number): EvidenceBuilder;
  /** The token of the leg's nth message; default its last. */
  token(nth?: number): string;
  // Whole stories.
  /** Step 0, an honest delivery over authenticated TLS, with the policy fetched before. */
  primed(policy?: Partial<PolicySpec>): EvidenceBuilder;
  /** What a prime step sees, in any step and leg. */
  honest(): EvidenceBuilder;
  /** The control leg of this step; back to its main leg after that. */
  controlled(): EvidenceBuilder;
  /** The unprotected leg of this step; back to its main leg after that. */
  unprotected(outcome?: Status): EvidenceBuilder;
  /** Looked for the MX, connected, found no TLS, said QUIT. */
  turnsAway(mx?: string): EvidenceBuilder;
  /** Delivered in clear. */
  leaks(mx?: string): EvidenceBuilder;
}

export function evidence(): EvidenceBuilder {
  const all: Observation[] = [];
  const tokens = new Map<Leg, string[]>();
  const digits: Readonly<Record<Leg, string>> = {
    main: 'a',
    control: 'c',
    unprotected: 'd',
    reporting: 'e',
  };
  const recipients = new Map<string, string>();
  let at: { step: number; leg: Leg } = { step: 0, leg: 'main' };
  let channel = { connection: '', mx: '', secure: false, authenticated: false };
  let connections = 0;
  let published: PolicySpec = DEFAULT_POLICY;

  const world = () => (at.leg === 'main' ? 'xw1' : `xw1${at.leg[0]}${at.step}`);
  const named = <T>(value: T): T => qualify(value, world());
  const own = () => named(`probe@${SENDER_DOMAIN}`);
  const add = (event: Event): EvidenceBuilder => {
    const seq = all.length + 1;
    all.push({ seq, at: seq * 10, ...at, ...event });
    return builder;
  };
  const reply = (to: string, text: string) =>
    add({
      kind: 'smtp-reply',
      connection: channel.connection,
      mx: channel.mx,
      to,
      reply: text,
      changed: false,
    });
  const dns = (name: string, type: string, answer = 'NOERROR 1') =>
    add({ kind: 'dns-query', name: named(name), type, transport: 'udp', answer });
  const domainOf = (token: string) => recipients.get(token)!.split('@')[1]!;

  const builder: EvidenceBuilder = {
    get observations() {
      return [...all];
    },
    see: add,
    later: () => add({ kind: 'time-advanced', seconds: LOOK_LASTS_SECONDS + 1 }),
    step(step, leg = 'main', change = {}) {
      at = { step, leg };
      const policy = { ...DEFAULT_POLICY, ...change };
      published = policy;
      return add({
        kind: 'step-started',
        label: world(),
        policy,
        permittedMx: named(permittedMx(DEFAULT_DOMAIN, policy)),
      });
    },
    submit(to = VICTIM, change = {}) {
      const mine = tokens.get(at.leg) ?? [];
      const token = `hf${digits[at.leg]}${String(mine.length + 1).padStart(11, '0')}`;
      tokens.set(at.leg, [...mine, token]);
      recipients.set(token, `${token}@${named(to)}`);
      const [from, recipient] = [own(), recipients.get(token)!];
      return add({ kind: 'message-submitted', token, from, to: recipient, ...change });
    },
    token: (nth) => tokens.get(at.leg)?.at(nth ?? -1) ?? '',
    txt: (name = STS_NAME) => dns(name, 'TXT'),
    mx: (name = VICTIM) => dns(name, 'MX'),
    unanswered: (answer) => dns(VICTIM, 'MX', answer),
    fetch: (change = {}) =>
      add({
        kind: 'policy-request',
        host: named(POLICY_HOST),
        scheme: 'https',
        method: 'GET',
        path: POLICY_PATH,
        hostHeader: named(POLICY_HOST),
        conditional: false,
        status: 200,
        complete: true,
        authenticated: true,
        contentType: 'text/plain',
        body: bodyOf(named(permittedMx(DEFAULT_DOMAIN, published)), published),
        ...named(change),
      }),
    policyTls: (change = {}) =>
      add({
        kind: 'tls-handshake',
        connection: 'p1',
        service: 'policy-host',
        host: named(POLICY_HOST),
        servername: named(POLICY_HOST),
        certificate: 'right',
        authenticated: true,
        hello: true,
        result: 'completed',
        ...change,
      }),
    connect(mx = MX1) {
      channel = {
        connection: `c${++connections}`,
        mx: named(mx),
        secure: false,
        authenticated: false,
      };
      return add({
        kind: 'smtp-connection',
        connection: channel.connection,
        mx: channel.mx,
        address: '127.0.0.1',
        nth: connections,
      });
    },
    command: (line, change = {}) =>
      add({
        kind: 'smtp-command',
        ...channel,
        verb: line.split(/[ :]/)[0]!.toUpperCase(),
        line,
        early: false,
        ...change,
      }),
    ehlo(...keywords) {
      builder.command('EHLO mail.sender.test');
      return reply(
        'EHLO',
        ['250-mx', ...keywords.map((word) => `250-${word}`), '250 SIZE'].join('\n'),
      );
    },
    tls(change = {}, ...keywords) {
      builder.command('STARTTLS');
      reply('STARTTLS', '220 2.0.0 Ready');
      const { connection, mx } = channel;
      const shaken = {
        certificate: 'right',
        authenticated: true,
        hello: true,
        result: 'completed',
        servername: mx,
        ...change,
      } as const;
      add({ kind: 'tls-handshake', connection, service: 'mx', host: mx, ...shaken });
      if (shaken.result === 'failed') return builder;
      channel = { ...channel, secure: true, authenticated: shaken.authenticated };
      return builder.ehlo(...keywords);
    },
    mail(from = own(), parameters = '') {
      builder.command(`MAIL FROM:<${from}>${parameters}`);
      return reply('MAIL', '250 2.1.0 OK');
    },
    rcpt(to = recipients.get(builder.token())!) {
      builder.command(`RCPT TO:<${to}>`);
      return reply('RCPT', '250 2.1.5 OK');
    },
    data(change = {}) {
      builder.command('DATA');
      reply('DATA', '354 Go on');
      const tokens = [builder.token()];
      return add({
        kind: 'smtp-data',
        ...channel,
        bytes: 500,
        tokens,
        excerpt: `Subject: holdfast ${tokens[0]}`,
        ...change,
      });
    },
    accepted(change = {}) {
      const token = builder.token();
      const subject = `holdfast ${token}`;
      return add({
        kind: 'message-accepted',
        ...channel,
        mailFrom: own(),
        rcptTo: [recipients.get(token)!],
        tokens: [token],
        subject,
        ...change,
      });
    },
    delivered: () => builder.mail().rcpt().data().accepted(),
    quit: () => builder.command('QUIT'),
    dsn(dsnAction) {
      builder
        .mx(SENDER_DOMAIN)
        .txt(`_mta-sts.${SENDER_DOMAIN}`)
        .connect(SENDER_MX)
        .ehlo()
        .mail('')
        .rcpt(own())
        .data();
      return builder.accepted({ mailFrom: '', rcptTo: [own()], ...(dsnAction && { dsnAction }) });
    },
    status: (status, detail = 'as the log says') =>
      add({ kind: 'sender-status', token: builder.token(), status, detail }),
    reports(...reports) {
      add({ kind: 'reports-asked-for' });
      for (const report of reports) builder.report(report);
      return builder;
    },
    report: (report) =>
      add({
        kind: 'report-received',
        host: named(REPORT_HOST),
        status: 200,
        contentType: 'application/tlsrpt+json',
        report: named(report),
      }),
    reporter() {
      const { step } = at;
      builder.step(step, 'reporting').report({});
      at = { step, leg: 'main' };
      return builder;
    },
    health: (eventLoopDelayMs = 5, slowestAnswerMs = 5) =>
      add({ kind: 'lab-health', eventLoopDelayMs, slowestAnswerMs }),
    honest: () =>
      builder
        .submit()
        .txt()
        .fetch()
        .mx()
        .connect()
        .ehlo()
        .tls()
        .delivered()
        .quit()
        .status('delivered'),
    primed: (policy) => builder.step(0, 'main', policy).honest(),
    controlled() {
      const { step } = at;
      builder.step(step, 'control').honest();
      at = { step, leg: 'main' };
      return builder;
    },
    unprotected(outcome = 'delivered') {
      const { step } = at;
      builder.step(step, 'unprotected').submit().mx().connect().ehlo();
      if (outcome === 'delivered') builder.delivered();
      builder.quit().status(outcome);
      at = { step, leg: 'main' };
      return builder;
    },
    turnsAway: (mx) =>
      builder
        .mx(domainOf(builder.token()).replace(`.${world()}`, ''))
        .connect(mx)
        .ehlo()
        .quit(),
    leaks: (mx) => builder.mx().connect(mx).ehlo().delivered().quit(),
  };
  return builder;
}

// ---- scenarios and trials ----

function bodyOf(mx: readonly string[], { mode, maxAgeSeconds, text }: PolicySpec): string {
  return text ?? (mode === 'absent' ? '' : policyText(mode, maxAgeSeconds, mx));
}

export const use = (
  name: string,
  options: object = {},
  more: Partial<ExpectationUse> = {},
): ExpectationUse => ({
  name,
  options: expectations.get(name)?.options.parse(options) ?? options,
  ...more,
});

const attack = [
  {
    name: 'strip-starttls',
    options: vocabulary.attacks.get('strip-starttls')!.options.parse({}),
  },
];
export const prime: Step = { kind: 'prime', label: 'prime' };
export const recover: Step = { kind: 'recover', label: 'recover' };
export const send = (...expect: readonly ExpectationUse[]): Step => ({
  kind: 'send',
  label: 'send',
  under: attack,
  expect,
  messages: 1,
  to: VICTIM,
  keepConnections: false,
});
export const flush = (...expect: readonly ExpectationUse[]): Step => ({
  kind: 'flush',
  label: 'flush',
  under: attack,
  expect,
});

export function scenarioOf(steps: readonly Step[], change: Partial<Scenario> = {}): Scenario {
  const { domain = DEFAULT_DOMAIN, policy = DEFAULT_POLICY, ...others } = change;
  return {
    id: 'test/made-by-hand',
    file: 'test/made-by-hand.yaml',
    title: '',
    why: '',
    requirements: ['8461-5-enforce-no-starttls'],
    needs: ['mta-sts'],
    domain,
    policy,
    stages: compileStages({ domain, policy }, steps, vocabulary),
    ...others,
  };
}

export function trialOf(
  made: EvidenceBuilder,
  scenario: Scenario,
  capabilities: readonly Capability[] = CAPABILITIES,
): Trial {
  return {
    scenario,
    sender: { name: 'made-up', version: '1', summary: '', capabilities },
    evidence: { observations: made.observations },
  };
}

/** The view that an expectation has of the builder's last main step. */
function viewOf(
  made: EvidenceBuilder,
  capabilities: readonly Capability[] = CAPABILITIES,
  domain: Partial<DomainSpec> = {},
): StepView {
  const index = Math.max(
    ...made.observations.filter((seen) => seen.leg === 'main').map((seen) => seen.step),
  );
  const steps = Array.from({ length: index + 1 }, () => send());
  const scenario = scenarioOf(steps, { domain: { ...DEFAULT_DOMAIN, ...domain } });
  return viewStep(trialOf(made, scenario, capabilities), index);
}

/** What the expectation of this name says of the builder's last main step. */
export function judged(
  name: string,
  made: EvidenceBuilder,
  options: object = {},
  capabilities?: readonly Capability[],
  domain?: Partial<DomainSpec>,
): Judgement {
  const expectation: Expectation = expectations.get(name)!;
  return expectation.judge(viewOf(made, capabilities, domain), expectation.options.parse(options));
}

/** Kinds, or for commands their verbs, of the observations that a judgement rests on. */
export function reasons(made: EvidenceBuilder, { because }: Pick<Judgement, 'because'>): string[] {
  return because.map((seq) => {
    const seen = made.observations[seq - 1]!;
    return seen.kind === 'smtp-command'
      ? seen.verb
      : seen.kind === 'smtp-reply'
        ? seen.reply.slice(0, 3)
        : seen.kind;
  });
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
