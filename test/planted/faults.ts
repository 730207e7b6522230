/**
 * Faults planted in the harness itself, to show that the tests would see them. Each changes one
 * place of one file as it is imported; `caughtBy` is the test that must fail then.
 *
 *   npm run planted              tries all of them
 *   npm run planted -- NAME      tries one
 */

export interface PlantedFault {
  /** From the top of the checkout. */
  readonly file: string;
  /** Stands once in the file. */
  readonly from: string;
  readonly to: string;
  /** A test file. */
  readonly caughtBy: string;
}

export const PLANTED: Readonly<Record<string, PlantedFault>> = {
  // ---- lab: what is attacked is attacked ----
  'a strip that strips nothing': {
    file: 'harness/lab/path.ts',
    from: '.filter((line) => !removed.has(keyword(line)))',
    to: '',
    caughtBy: 'test/lab/path.test.ts',
  },
  'an overwritten line that stays as it was': {
    file: 'harness/lab/path.ts',
    from: 'edit.overwrite?.[keyword(line)] ?? line',
    to: 'line',
    caughtBy: 'test/lab/path.test.ts',
  },
  'DNS silence turned into SERVFAIL': {
    file: 'harness/lab/dns-server.ts',
    from: "if (how === 'drop') return undefined;",
    to: "if (how === 'drop') return Packet.createErrorResponseFromRequest(request, RCODE.SERVFAIL);",
    caughtBy: 'test/lab/dns.test.ts',
  },
  'NXDOMAIN turned into an empty answer': {
    file: 'harness/lab/dns-server.ts',
    from: "if (how === 'nxdomain') reply.header.rcode = RCODE.NXDOMAIN;",
    to: '',
    caughtBy: 'test/lab/dns.test.ts',
  },
  'a truncated answer that is whole': {
    file: 'harness/lab/dns-server.ts',
    from: "if (how === 'truncate' && transport === 'udp') reply.header.tc = 1;\n  else if",
    to: 'if',
    caughtBy: 'test/lab/dns.test.ts',
  },
  'a rule for one query that holds for all': {
    file: 'harness/model/zone.ts',
    from: '(rule.nth?.includes(which) ?? true)',
    to: 'true',
    caughtBy: 'test/lab/dns.test.ts',
  },
  'a TLS stall turned into a close': {
    file: 'harness/lab/tls.ts',
    from: "if (how === 'stall') socket.resume();",
    to: "if (how === 'stall') socket.end();",
    caughtBy: 'test/lab/path.test.ts',
  },
  'a broken handshake that completes': {
    file: 'harness/lab/tls.ts',
    from: "if (handshake !== 'complete') {",
    to: "if (handshake === 'alert') {",
    caughtBy: 'test/lab/path.test.ts',
  },
  'every certificate is said to identify its host': {
    file: 'harness/lab/tls.ts',
    from: 'const authenticated = identifies(shown, host.host);',
    to: 'const authenticated = true;',
    caughtBy: 'test/lab/path.test.ts',
  },
  'SNI that is never read': {
    file: 'harness/lab/tls.ts',
    from: "const servername = hello.kind === 'whole' ? hello.servername : '';",
    to: "const servername = '';",
    caughtBy: 'test/lab/path.test.ts',
  },
  'a suite without encryption proves a name': {
    file: 'harness/lab/tls.ts',
    from: 'const NO_PROOF = /^A(?:EC)?DH-|NULL/;',
    to: 'const NO_PROOF = /^none$/;',
    caughtBy: 'test/lab/tls.test.ts',
  },
  'an alert to a flight by hand is taken for going on': {
    file: 'harness/lab/flight-by-hand.ts',
    from: 'if (record[0] === ALERT) return',
    to: 'if (record[0] === CHANGE_CIPHER_SPEC) return',
    caughtBy: 'test/lab/tls.test.ts',
  },
  'clear text after a failed handshake is thrown away': {
    file: 'harness/lab/tls.ts',
    from: 'if (tap && isHeard) return tap.goOn();',
    to: '',
    caughtBy: 'test/lab/path.test.ts',
  },
  'a reply that is not held back': {
    file: 'harness/lab/path.ts',
    from: 'await this.reader.more(LONGEST_HOLD_MS);',
    to: '',
    caughtBy: 'test/lab/path.test.ts',
  },
  'injected replies that are not injected': {
    file: 'harness/lab/path.ts',
    from: 'withMore(planned.bytes ?? asLines(reply), asLines(inject))',
    to: 'planned.bytes ?? asLines(reply)',
    caughtBy: 'test/lab/path.test.ts',
  },
  'what is said in TLS is recorded as said in clear': {
    file: 'harness/lab/path.ts',
    from: 'this.secure = true;',
    to: '',
    caughtBy: 'test/lab/path.test.ts',
  },
  'idle connections are carried into the next step': {
    file: 'harness/lab/path.ts',
    from: "if (stream.writable) stream.end('421 4.4.2 closing an idle connection\\r\\n');",
    to: '',
    caughtBy: 'test/lab/path.test.ts',
  },
  'a policy page always under status 200': {
    file: 'harness/lab/policy-host.ts',
    from: 'response.writeHead(page.status ?? 200);',
    to: 'response.writeHead(200);',
    caughtBy: 'test/lab/policy-host.test.ts',
  },
  'a policy that is recorded before it is out': {
    file: 'harness/lab/policy-host.ts',
    from: 'if (!isWhole) tell(false);',
    to: 'tell(isWhole);',
    caughtBy: 'test/lab/policy-host.test.ts',
  },
  'half a body that is sent whole': {
    file: 'harness/lab/policy-host.ts',
    from: 'body.subarray(0, body.length / 2)',
    to: 'body',
    caughtBy: 'test/lab/policy-host.test.ts',
  },
  'a recorder that goes on after its end': {
    file: 'harness/lab/recorder.ts',
    from: 'frozen = true;',
    to: '',
    caughtBy: 'test/lab/recorder.test.ts',
  },

  // ---- plans ----
  'a negative control with the policy in it': {
    file: 'harness/model/stage.ts',
    from: 'plan: withoutPolicy(attacked),',
    to: 'plan: attacked,',
    caughtBy: 'test/model/stage.test.ts',
  },
  'changes at the policy host that nobody has to meet': {
    file: 'harness/model/changes.ts',
    from: 'return [...record, ...address, ...hosts];',
    to: 'return [...record];',
    caughtBy: 'test/model/stage.test.ts',
  },
  'changes at the MX that nobody has to meet': {
    file: 'harness/model/changes.ts',
    from: 'return differs.find(([, part]) => !isSame(part(before), part(after)))?.[0];',
    to: 'return undefined;',
    caughtBy: 'test/model/stage.test.ts',
  },

  // ---- what the judge takes for a fact ----
  'enforced without proof of a policy': {
    file: 'harness/expectations/enforced.ts',
    from: "  if (!held)\n    return undecided('nothing exposed, but no proof",
    to: "  if (false as boolean)\n    return undecided('nothing exposed, but no proof",
    caughtBy: 'test/expectations/enforced.test.ts',
  },
  'a policy that never expires': {
    file: 'harness/model/held-policy.ts',
    from: 'return held && age! < held.policy.maxAgeSeconds ? held : undefined;',
    to: 'return held;',
    caughtBy: 'test/model/held-policy.test.ts',
  },
  'a policy from a host that proved nothing': {
    file: 'harness/model/held-policy.ts',
    from: '      seen.authenticated &&\n',
    to: '',
    caughtBy: 'test/expectations/enforced.test.ts',
  },
  'a policy without a look at its record': {
    file: 'harness/model/held-policy.ts',
    from: 'if (!lookups.some((lookup) => lookup.at <= fetch.at)) continue;',
    to: '',
    caughtBy: 'test/model/held-policy.test.ts',
  },
  'a policy that forbids no host': {
    file: 'harness/model/held-policy.ts',
    from: '!(channel.authenticated && isPermittedMx(policy.mx, channel.mx))',
    to: '!channel.authenticated',
    caughtBy: 'test/expectations/enforced.test.ts',
  },
  'a policy that forbids no channel': {
    file: 'harness/model/held-policy.ts',
    from: '!(channel.authenticated && isPermittedMx(policy.mx, channel.mx))',
    to: '!isPermittedMx(policy.mx, channel.mx)',
    caughtBy: 'test/expectations/enforced.test.ts',
  },
  'aging that the judge does not know of': {
    file: 'harness/model/held-policy.ts',
    from: 'leaps.reduce((sum, { seconds }) => sum + seconds, 0)',
    to: '0',
    caughtBy: 'test/model/held-policy.test.ts',
  },
  'what has one time came in the order of the file': {
    file: 'harness/model/traffic.ts',
    from: 'return a.at < b.at;',
    to: 'return a.at <= b.at;',
    caughtBy: 'test/model/held-policy.test.ts',
  },
  'every exchanger that begins like the sender’s is home': {
    file: 'harness/model/traffic.ts',
    from: '/^mx\\.sender\\.[^.]*\\.[^.]+\\.?$/i',
    to: '/^mx\\.sender\\./i',
    caughtBy: 'test/forgeries/forgeries.test.ts',
  },
  'exposure in the step that is judged only': {
    file: 'harness/judge/judge.ts',
    from: 'return [...findings, ...judgeExposure(trial, isTold)];',
    to: 'return findings;',
    caughtBy: 'test/forgeries/forgeries.test.ts',
  },
  'every step counts as tried': {
    file: 'harness/judge/tried.ts',
    from: '  if (missing === undefined) {',
    to: "  if (missing) return { kind: 'met' };\n  if (missing === undefined) {",
    caughtBy: 'test/forgeries/forgeries.test.ts',
  },
  'a look after the mail counts as tried': {
    file: 'harness/judge/tried.ts',
    from: "return late ? lookedBeside(late, view) : { kind: 'met' };",
    to: "return { kind: 'met' };",
    caughtBy: 'test/forgeries/forgeries.test.ts',
  },
  'a control that may fail': {
    file: 'harness/judge/control.ts',
    from: "if (outcome?.kind !== 'delivered') {",
    to: "if (outcome === undefined) return say('pass', '', []);\n  if (outcome.kind !== 'delivered') {\n    return say('pass', '', []);",
    caughtBy: 'test/judge/judge.test.ts',
  },
  'a slow lab that decides': {
    file: 'harness/judge/judge.ts',
    from: "grade: isUndecided ? 'inconclusive' : worstOf(findings),",
    to: 'grade: worstOf(findings),',
    caughtBy: 'test/judge/judge.test.ts',
  },
  'a slow lab that fails a sender': {
    file: 'harness/judge/judge.ts',
    from: 'slowness.length > 0 || ',
    to: '',
    caughtBy: 'test/judge/judge.test.ts',
  },
  'a cap that hides clear text': {
    file: 'harness/judge/grade.ts',
    from: "if (harm === 'clear' || harm === 'mail-lost') return 'fail';",
    to: '',
    caughtBy: 'test/judge/judge.test.ts',
  },
  'not met counted as pass': {
    file: 'harness/judge/grade.ts',
    from: "['fail', 'inconclusive', 'warn', 'not-met']",
    to: "['fail', 'inconclusive', 'warn']",
    caughtBy: 'test/forgeries/forgeries.test.ts',
  },
  'an exit code that knows no warning': {
    file: 'harness/model/verdict.ts',
    from: "(strict && (has('warn') || has('not-met')))",
    to: 'false',
    caughtBy: 'test/model/verdict.test.ts',
  },
  'a bounce that nobody looked before': {
    file: 'harness/model/evidence.ts',
    from: 'senderSeconds(view.whole, lookup, sign) <= LOOK_LASTS_SECONDS',
    to: 'true',
    caughtBy: 'test/expectations/waiting.test.ts',
  },
  'a notice of delay that is a bounce': {
    file: 'harness/model/evidence.ts',
    from: "dsnAction === 'failed' && tokens.length === 1",
    to: 'tokens.length === 1',
    caughtBy: 'test/expectations/waiting.test.ts',
  },

  // ---- what is said of it ----
  'a sender’s words that act on a terminal': {
    file: 'harness/protocol/printable.ts',
    from: '    .replace(UNPRINTABLE, escapeCharacter)\n',
    to: '',
    caughtBy: 'test/protocol/printable.test.ts',
  },
  'not met that JUnit counts as passed': {
    file: 'harness/reporters/junit.ts',
    from: "'not-met': 'skipped',",
    to: "'not-met': 'passed',",
    caughtBy: 'test/reporters/junit.test.ts',
  },

  // ---- several recipients, and REQUIRETLS ----
  'content laid to recipients that RCPT does not name': {
    file: 'harness/model/traffic.ts',
    from: "part.kind === 'smtp-data' && !part.tokens.some(isInEnvelope) ? part.tokens : []",
    to: "part.kind === 'smtp-data' ? part.tokens : []",
    caughtBy: 'test/model/recipients.test.ts',
  },
  'a DSN that is of every recipient': {
    file: 'harness/model/evidence.ts',
    from: '(seen.dsnFailed?.includes(token) ?? isAboutAll(seen))',
    to: "(seen.dsnAction ?? 'failed') === 'failed'",
    caughtBy: 'test/model/recipients.test.ts',
  },
  'a host that does not offer REQUIRETLS taken for one that does': {
    file: 'harness/model/requiretls.ts',
    from: 'if (!isOffered(session, mail!))',
    to: 'if (mail === undefined)',
    caughtBy: 'test/expectations/requiretls.test.ts',
  },
  'a host that nothing vouches for taken for the right one': {
    file: 'harness/model/requiretls.ts',
    from: 'if (!isVouchedFor(part, circumstances))',
    to: 'if (part === undefined)',
    caughtBy: 'test/expectations/requiretls.test.ts',
  },
};
