/** What a step names, and no world of its scenario has; and attacks that change nothing. */

import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../harness/scenario/load.ts';
import { loadVocabulary } from '../../harness/vocabulary.ts';

const vocabulary = await loadVocabulary();

function problemsOf(steps: string, head = ''): string[] {
  const text = `title: a\nwhy: b\nrequirements: [8461-5-enforce]\n${head}steps:\n  - prime\n${steps}`;
  return loadScenario(text, 'f.yaml', 'f', {
    ...vocabulary,
    requirements: new Set(['8461-5-enforce']),
  })
    .problems.map(({ line, column, message, found, nearest }) =>
      [`${line}:${column} ${message}`, found, nearest].filter(Boolean).join(' ~ '),
    )
    .filter((told) => !told.includes('no expectation of this scenario'));
}

const refused = (what: string, step: string, ...problems: string[]) =>
  it(what, () => expect(problemsOf(`  - ${step}\n`)).toEqual(problems));
const taken = (what: string, step: string, head?: string) =>
  it(what, () => expect(problemsOf(`  - ${step}\n`, head)).toEqual([]));

describe('a destination', () => {
  const NOWHERE = 'nothing in this world takes mail for this domain';
  refused(
    'that no world has',
    '{ send: a, to: nowhere.test, expect: [enforced] }',
    `6:20 ${NOWHERE} ~ "nowhere.test"`,
  );
  refused(
    'that no world has, among others',
    '{ send: a, to: [victim.test, victm.test], expect: [enforced] }',
    `6:34 ${NOWHERE} ~ "victm.test" ~ victim.test`,
  );
  refused(
    'that is a literal of no host',
    "{ send: a, to: '[mx7.victim.test]', expect: [enforced] }",
    '6:20 no MX host of this scenario has this name ~ "mx7.victim.test" ~ mx1.victim.test',
  );
  taken('in capitals', '{ send: a, to: VICTIM.TEST., expect: [enforced] }');
  taken('that is a literal', "{ send: a, to: '[mx1.victim.test]', expect: [enforced] }");
  taken('by a smart host', '{ send: a, to: by-smart-host.victim.test, expect: [enforced] }');
  taken(
    'of another domain',
    '{ send: a, to: other.test, expect: [enforced] }',
    'domain: { others: { other.test: [mx.other.test] } }\n',
  );
  taken(
    'below a wildcard',
    '{ send: a, to: a.victim.test, expect: [enforced] }',
    "domain: { records: [{ name: '*.victim.test', type: MX, preference: 1, exchange: mx1.victim.test }] }\n",
  );
});

describe('a host of an expectation', () => {
  const UNKNOWN = 'no host of this scenario has this name';
  refused(
    'that no world has',
    '{ send: a, expect: [delivered: { mx: mx7.victim.test }] }',
    `6:42 ${UNKNOWN} ~ "mx7.victim.test" ~ mx1.victim.test`,
  );
  refused(
    'by shorthand, and in another option',
    '{ send: a, expect: [contacted: mx7.test, contacted: { mx: mx1.victim.test, before: mx8.test }] }',
    `6:36 ${UNKNOWN} ~ "mx7.test"`,
    `6:88 ${UNKNOWN} ~ "mx8.test"`,
  );
  refused(
    'that must never be asked for',
    '{ send: a, expect: [tlsa-queried: { mx: mx7.test, never: true }] }',
    `6:45 ${UNKNOWN} ~ "mx7.test"`,
  );
  taken(
    'of the attacker',
    '{ send: a, expect: [contacted: { mx: MX.attacker.test, never: true }] }',
  );
  taken(
    'that an attack brings in',
    '{ send: a, under: [{ hide-mx: nxdomain }], expect: [contacted: mx2.victim.test] }\n  - { publish: b, domain: { mx: [mx2.victim.test] } }',
  );
});

describe('an attack that changes nothing', () => {
  const NOTHING = 'this attack changes nothing here';
  refused(
    'the honest status',
    '{ send: a, under: [{ policy-status: 200 }], expect: [enforced] }',
    '6:41 this attack changes nothing: the honest status is 200',
  );
  refused(
    'the same again',
    '{ send: a, under: [strip-starttls, strip-starttls], expect: [enforced] }',
    `6:40 ${NOTHING}`,
  );
  refused(
    'what is so by itself',
    '{ send: a, under: [{ patch: { mxHosts: { mx1.victim.test: { tls: { handshake: complete } } } } }], expect: [enforced] }',
    `6:24 ${NOTHING}`,
  );
  const BACK = 'this attack takes back what those before it have changed';
  const HOST = (change: string) => `{ patch: { mxHosts: { mx1.victim.test: ${change} } } }`;
  refused(
    'one that takes back the other',
    `{ send: a, under: [${HOST('{ reach: refused }')}, ${HOST('{ reach: open }')}], expect: [enforced] }`,
    `6:89 ${BACK}`,
  );
  refused(
    'one that takes back a part',
    `{ send: a, under: [strip-starttls, ${HOST('{ reach: refused }')}, ${HOST('{ reach: open }')}], expect: [enforced] }`,
    `6:105 ${BACK}`,
  );
  refused(
    'signatures where there are none',
    '{ send: a, under: [break-dnssec: signatures-expired], expect: [enforced] }',
    '6:24 nothing in this plan is signed: the domain needs dnssec or dane',
  );
  taken('no attack at all', '{ send: a, under: [], expect: [enforced] }');
  taken(
    'broken signatures',
    '{ send: a, under: [break-dnssec: signatures-expired], expect: [enforced] }',
    'domain: { dane: true }\n',
  );
});

describe('a policy that permits no MX host of the domain', () => {
  const FORBIDS =
    'no MX host is permitted by this policy: without the attack this world delivers nothing either ~ "mx1.victm.test" ~ mx1.victim.test';
  const STRIPPED = '  - { send: a, under: [strip-starttls], expect: [enforced] }\n';
  const MISSPELT = 'policy: { mx: [mx1.victm.test] }\n';
  const forbids = (what: string, steps: string, head: string, ...problems: string[]) =>
    it(what, () => expect(problemsOf(steps, head)).toEqual(problems));
  forbids('of the file', STRIPPED, MISSPELT, `4:15 ${FORBIDS}`);
  forbids(
    'word for word',
    STRIPPED,
    'policy: { text: "version: STSv1\\nmode: enforce\\nmx: mx1.victm.test\\nmax_age: 9\\n" }\n',
    `4:17 ${FORBIDS}`,
  );
  forbids(
    'of a variant',
    STRIPPED,
    'variants:\n  a: {}\n  b: { policy: { mx: [mx1.victm.test] } }\n',
    `6:22 ${FORBIDS}`,
  );
  forbids(
    'for all variants, told once',
    STRIPPED,
    `${MISSPELT}variants: { a: {}, b: {} }\n`,
    `4:15 ${FORBIDS}`,
  );
  forbids(
    'is in force no more',
    `  - { publish: b, policy: { mx: [mx1.victim.test] } }\n${STRIPPED}`,
    MISSPELT,
  );
  forbids(
    'and another that may be held still',
    `  - { publish: b, policy: { mx: [mx1.victm.test] } }\n${STRIPPED}`,
    '',
  );
  forbids(
    'is published anew',
    `  - { publish: b, policy: { mx: [mx2.victm.test] } }\n${STRIPPED}`,
    MISSPELT,
    `7:33 ${FORBIDS.replace('mx1.victm', 'mx2.victm')}`,
  );
  forbids('is what the step is about', '  - { send: a, expect: [enforced] }\n', MISSPELT);
  forbids(
    'where the attacker hides it',
    '  - { send: a, under: [hide-sts-record], expect: [enforced] }\n',
    MISSPELT,
  );
  forbids('and does not enforce', STRIPPED, 'policy: { mode: testing, mx: [mx1.victm.test] }\n');
});

it('of very many requirements those of the same section are told', () => {
  const text = `title: a\nwhy: b\nrequirements: [8461-5-enforce]\nsteps:\n  - prime\n`;
  const [problem] = loadScenario(text, 'f.yaml', 'f', vocabulary).problems;
  expect(problem?.message).toContain('holdfast list --requirements');
  expect(problem?.allowed).toContain('8461-5-enforce-no-starttls');
  expect(problem?.allowed?.filter((id) => !id.startsWith('8461-5-'))).toEqual([]);
});

describe('words of attacks', () => {
  refused(
    'a reply without its code',
    '{ send: a, under: [{ mx-reply: { to: rcpt, text: hello } }], expect: [enforced] }',
    '6:54 a reply line begins with its code, as 250 or 250-; bytes take anything ~ "hello"',
  );
  refused(
    'a command that nobody gives',
    '{ send: a, under: [{ mx-reply: { to: XFOOBAR, text: 250 OK } }], expect: [enforced] }',
    '6:42 unknown command ~ "XFOOBAR"',
  );
  refused(
    'a type that nobody asks for',
    '{ send: a, under: [{ dns-answer: { name: victim.test, type: MXX, answer: nodata } }], expect: [enforced] }',
    '6:65 unknown type: A, AAAA, MX, TXT, CNAME, TLSA, … in capitals, or a number, TYPE65 ~ "MXX"',
  );
  taken(
    'any type',
    "{ send: a, under: [{ dns-answer: { name: victim.test, type: '*', answer: nodata } }], expect: [enforced] }",
  );
});

describe('an answer word for word', () => {
  const NO_POLICY =
    'what is answered here word for word is no policy in plain text under status 200: say `taken: never`, or `maybe`';
  const answered = (answer: string, more = '') =>
    `{ send: a, under: [policy-answer: { ${more}answer: "${answer}" }, strip-starttls], expect: [enforced] }`;
  const OK = 'HTTP/1.1 200 OK\\r\\nContent-Type: text/plain\\r\\n\\r\\n';
  refused('under another status', answered(OK.replace('200', '404')), `6:24 ${NO_POLICY}`);
  refused(
    'under another status after an interim one',
    answered(`HTTP/1.1 103 Early Hints\\r\\n\\r\\n${OK.replace('200', '302')}{body}`),
    `6:24 ${NO_POLICY}`,
  );
  refused('with a body of its own', answered(`${OK}version: STSv1`), `6:24 ${NO_POLICY}`);
  refused(
    'of another media type',
    answered(`${OK.replace('plain', 'html')}{body}`),
    `6:24 ${NO_POLICY}`,
  );
  refused('beside another status', answered(`${OK}{body}`, 'status: 404, '), `6:24 ${NO_POLICY}`);
  const patched = (page: string) =>
    `{ send: a, under: [{ patch: { policyHosts: { mta-sts.victim.test: { pages: { /.well-known/mta-sts.txt: ${page} } } } } }, strip-starttls], expect: [enforced] }`;
  const GONE = String.raw`answer: "HTTP/1.1 410 Gone\r\n\r\n"`;
  refused('by a patch', patched(`{ ${GONE} }`), `6:24 ${NO_POLICY}`);
  refused(
    'by a patch of one request',
    patched(`{ requests: [{ nth: [2], change: { ${GONE} } }] }`),
    `6:24 ${NO_POLICY}`,
  );
  taken('that brings the policy', answered(`HTTP/1.1 100 Continue\\r\\n\\r\\n${OK}{body}`));
  taken('that nobody takes', answered('HTTP/1.1 404 Not Found\\r\\n\\r\\n', 'taken: never, '));
  taken(
    'of another media type, which some may take',
    answered(`${OK.replace('plain', 'html')}{body}`, 'taken: maybe, '),
  );
});
