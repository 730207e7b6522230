/**
 * Broken files: every problem, and no other, at its very place. `‸` stands before each place, in
 * the order of the messages.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../harness/scenario/load.ts';
import { formatProblem } from '../../harness/yaml/problems.ts';
import { HEAD, vocabulary } from './vocabulary.ts';

const problemsOf = (text: string) => loadScenario(text, 'f.yaml', 'f', vocabulary).problems;

/** One line for each problem, without its frame. */
function broken(marked: string, ...messages: string[]): void {
  const places = [...marked.matchAll(/‸/g)].map(({ index }) => {
    const lines = marked.slice(0, index).replaceAll('‸', '').split('\n');
    return `f.yaml:${lines.length}:${lines.at(-1)!.length + 1}`;
  });
  const said = problemsOf(marked.replaceAll('‸', '')).map(
    (problem) => formatProblem(problem).split('\n')[0],
  );
  expect(said).toEqual(messages.map((message, index) => `${places[index]}: ${message}`));
  expect(loadScenario(marked.replaceAll('‸', ''), 'f.yaml', 'f', vocabulary).scenarios).toEqual([]);
}

const SEND = 'steps: [{ send: a, expect: [enforced] }]\n';
const send = (more: string) => `${HEAD}steps:\n  - { send: a, expect: [enforced], ${more} }\n`;
const expecting = (expected: string) => `${HEAD}steps:\n  - { send: a, expect: ${expected} }\n`;
const DURATION = 'expected whole seconds, or a whole number and its unit: 90s, 5m, 1h, 1d, 1w';
const STEPS = 'allowed prime, send, publish, advance, restart, flush, refresh, recover, wait';
const TOP = 'allowed title, why, requirements, needs, policy, domain, variants, steps';

describe('the file', () => {
  it.each<[string, string, ...string[]]>([
    ['empty', '‸', 'an empty file holds no scenario'],
    ['only a comment', '‸# nothing\n', 'an empty file holds no scenario'],
    [
      'a list',
      '‸- a\n',
      'a scenario is a map with title, why, requirements and steps (found ["a"])',
    ],
    [
      'a word',
      '‸hello',
      'a scenario is a map with title, why, requirements and steps (found "hello")',
    ],
    [
      'nothing it needs',
      '‸‸‸‸{}',
      'title is missing',
      'why is missing',
      'requirements is missing',
      'steps is missing',
    ],
    [
      'an unknown key',
      `${HEAD}‸polcy: absent\n${SEND}`,
      `unknown key (found "polcy"; ${TOP}; did you mean policy?)`,
    ],
    ['a key like no other', `${HEAD}‸zzz: 1\n${SEND}`, `unknown key (found "zzz"; ${TOP})`],
    [
      'no title',
      `‸title:\nwhy: x\nrequirements: [8461-5-enforce]\n${SEND}`,
      'expected a string (found null)',
    ],
    [
      'an empty title',
      `title: ‸""\nwhy: x\nrequirements: [8461-5-enforce]\n${SEND}`,
      'must not be empty (found "")',
    ],
    ...['[prime]', '[prime, restart, { advance: 1d }]', '[prime, { refresh: a }]'].map(
      (steps) =>
        [
          `nothing asked of the sender: ${steps}`,
          `${HEAD}‸steps: ${steps}\n`,
          'nothing is expected of the sender: give a step `expect`, or end with recover',
        ] as [string, string, string],
    ),
    ['no steps', `${HEAD}steps: ‸[]\n`, 'must not be empty (found [])'],
    [
      'no requirement',
      `title: x\nwhy: x\nrequirements: ‸[]\n${SEND}`,
      'must not be empty (found [])',
    ],
    [
      'an unknown requirement and capability',
      `title: x\nwhy: x\nrequirements:\n  - 8461-5-transient\n  - ‸8461-5-enforced\nneeds: [mta-sts, ‸danee]\n${SEND}`,
      'unknown requirement: "holdfast list --requirements" names all (found "8461-5-enforced"; allowed 8461-5-enforce, 8461-5-transient, 8461-3.1-id; did you mean 8461-5-enforce?)',
      'unknown capability (found "danee"; allowed mta-sts, testing-mode, tlsrpt, tlsrpt-mail, dane, dnssec, requiretls, persistent-cache, queue, time-travel, queue-lifetime, restart, dsn, ipv6, smart-host, refresh and 3 more; did you mean dane?)',
    ],
  ])('%s', (_, text, ...messages) => broken(text, ...messages));
});

describe('YAML', () => {
  it.each<[string, string, ...string[]]>([
    [
      'bad syntax',
      'title: [a\n‸why: b',
      'Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    ['tabs', 'steps:\n‸\t- prime', 'Tabs are not allowed as indentation'],
    ['a key twice', `${HEAD}‸title: again\n${SEND}`, 'this key is given twice (found "title")'],
    [
      'a variant twice, and another problem',
      `${HEAD}variants:\n  a: {}\n  ‸a: {}\n${SEND}‸stray: 1\n`,
      'this key is given twice (found "a")',
      `unknown key (found "stray"; ${TOP})`,
    ],
    [
      'an unresolved alias',
      `${HEAD}steps: ‸*nowhere\n`,
      'no anchor of this name stands before (found "*nowhere")',
    ],
    [
      'an alias in itself',
      `${HEAD}steps: &steps [prime, ‸*steps]\n`,
      'an alias within what it stands for',
    ],
    ['a map as a key', `${HEAD}‸{ a: b }: c\n`, 'a key is a plain name'],
    [
      '__proto__',
      `${HEAD}variants: { ‸__proto__: {} }\n${SEND}`,
      'no key has this name (found "__proto__")',
    ],
    ['an unknown tag', `title: ‸!secret x\n`, 'Unresolved tag: !secret'],
    ['two documents', `title: x\n‸---\ntitle: y\n`, 'a scenario file is one YAML document'],
    ['YAML 1.1', '‸%YAML 1.1\n---\ntitle: x\n', 'scenarios are YAML 1.2'],
  ])('%s', (_, text, ...messages) => broken(text, ...messages));

  it('that is a bomb', () => {
    const floors = [...'bcdefgh'].map(
      (name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefg'[index]}`)}]\n`,
    );
    expect(problemsOf(`a: &a [x, x, x]\n${floors.join('')}`)).toMatchObject([
      { line: 0, message: 'its aliases amount to too much' },
    ]);
  });

  it.each([
    ['a little', `a: ${'['.repeat(100)}${']'.repeat(100)}`],
    ['a lot', `a: ${'{a: '.repeat(20_000)}`],
  ])('that is nested %s too deeply', (_, text) => {
    expect(problemsOf(text).map(({ message }) => message)).toContain('nested too deeply');
  });

  it('that is too large', () => {
    expect(problemsOf(`#${'x'.repeat(1024 * 1024)}`)).toEqual([
      { file: 'f.yaml', line: 0, column: 0, message: 'a scenario file is at most 1 MiB' },
    ]);
  });
});

it('a file with problems without end is told the first hundred', () => {
  const problems = problemsOf(
    Array.from({ length: 5_000 }, (_, index) => `k${index}: 1`).join('\n'),
  );
  expect(problems).toHaveLength(101);
  expect(problems[0]).toMatchObject({
    line: 0,
    message: 'more than 100 problems; the others are not told',
  });
});

describe('policy and domain', () => {
  it.each<[string, string, ...string[]]>([
    [
      'a misspelt word',
      `policy: ‸absnt`,
      'expected "absent" or a map (found "absnt"; did you mean absent?)',
    ],
    ['a list', `policy: ‸[]`, 'expected "absent" or a map (found [])'],
    [
      'an unknown mode',
      `policy: { mode: ‸enforced }`,
      'unknown mode (found "enforced"; allowed enforce, testing, none; did you mean enforce?)',
    ],
    [
      'an unknown key',
      `policy: { ‸max-age: 3 }`,
      'unknown key (found "max-age"; allowed mode, max_age, mx, id, text, record; did you mean max_age?)',
    ],
    ['a duration without a unit', `policy: { max_age: ‸"3" }`, `${DURATION} (found "3")`],
    ['a duration in months', `policy: { max_age: ‸3M }`, `${DURATION} (found "3M")`],
    ['a negative duration', `policy: { max_age: ‸-1 }`, 'less than 0 (found -1)'],
    ['a broken duration', `policy: { max_age: ‸1.5 }`, `${DURATION} (found 1.5)`],
    ['no duration at all', `policy: { max_age: ‸true }`, `${DURATION} (found true)`],
    ['an id that is a number', `policy: { id: ‸20260101 }`, 'expected a string (found 20260101)'],
    [
      'an id with a hyphen',
      `policy: { id: ‸a-b }`,
      'an id is 1 to 32 letters and digits; any other can be given in `record` (found "a-b")',
    ],
    ['a pattern that is none', `policy: { mx: [a, ‸3] }`, 'expected a string (found 3)'],
    [
      'a record in parts, one of them bad',
      `policy: { record: [a, ‸3] }`,
      'expected a string (found 3)',
    ],
    [
      'a foreign MX host',
      `domain: { mx: [mx1.victim.test, ‸mx.example.com] }`,
      'only .test names (found "mx.example.com")',
    ],
    [
      'foreign hosts and a stray key',
      `domain: { mx: [{ host: ‸a.org, ‸prefrence: 3 }] }`,
      'only .test names (found "a.org")',
      'unknown key (found "prefrence"; allowed host, preference, addresses, certificate, port, sendsRoot; did you mean preference?)',
    ],
    ['an MX host without its name', `domain: { mx: [‸{ preference: 3 }] }`, 'host is missing'],
    [
      'a preference out of range',
      `domain: { mx: [{ host: a.test, preference: ‸65536 }] }`,
      'more than 65535 (found 65536)',
    ],
    ['tlsrpt', `domain: { tlsrpt: ‸[] }`, 'must not be empty (found [])'],
    [
      'a record of a foreign name',
      `domain: { records: [{ name: ‸a.org, type: TXT, text: a }] }`,
      'only .test names (found "a.org")',
    ],
    [
      'a record leading elsewhere',
      `domain: { records: [{ name: a.test, type: CNAME, target: ‸a.org }] }`,
      'only .test names (found "a.org")',
    ],
    [
      'a record of no known type',
      `domain: { records: [{ name: a.test, type: ‸TXTT }] }`,
      'unknown type (found "TXTT"; allowed A, AAAA, MX, TXT, CNAME, TLSA; did you mean TXT?)',
    ],
    [
      'a record of no type',
      `domain: { records: [‸{ name: a.test }] }`,
      'type is missing (allowed A, AAAA, MX, TXT, CNAME, TLSA)',
    ],
  ])('%s', (_, text, ...messages) => broken(`${HEAD}${text}\n${SEND}`, ...messages));

  it('a record with the keys of another', () => {
    broken(
      `${HEAD}domain: { records: [‸‸{ name: a.test, type: MX, ‸host: b.test }] }\n${SEND}`,
      'preference is missing',
      'exchange is missing',
      'unknown key (found "host"; allowed name, ttl, type, preference, exchange)',
    );
  });

  it('keys that differ only in type', () => {
    broken(
      `‸${HEAD}domain: { ‸1: a, ‸"1": b }\n`,
      'steps is missing',
      'unknown key (found "1"; allowed mx, tlsrpt, dane, dnssec, records, requiretls, others)',
      'this key is given twice (found "1")',
    );
  });
});

describe('steps', () => {
  it.each<[string, string, ...string[]]>([
    ['an unknown word', `‸primed`, `unknown step (found "primed"; ${STEPS}; did you mean prime?)`],
    ['a word that needs more', `‸send`, 'send needs a value: { send: … } (found "send")'],
    ['a number', `‸3`, `expected a step (found 3; ${STEPS})`],
    [
      'an unknown kind',
      `{ expect: [enforced], ‸sned: a }`,
      `unknown step (found "sned"; ${STEPS}; did you mean send?)`,
    ],
    ['no kind', `‸{ expect: [enforced] }`, `this step does not say what happens (${STEPS})`],
    [
      'two kinds',
      `{ send: a, expect: [enforced], ‸advance: 3 }`,
      'one step is one thing, and this one is send already (found "advance")',
    ],
    ['a label that is none', `{ prime: ‸3 }`, 'expected a string (found 3)'],
    ['nothing expected', `‸{ send: a }`, 'expect is missing'],
    ['an empty expect', `{ send: a, expect: ‸[] }`, 'must not be empty (found [])'],
    [
      'a key of another step',
      `{ prime: a, ‸under: [] }`,
      'unknown key (found "under"; allowed prime)',
    ],
    [
      'foreign recipients',
      `{ send: a, to: ‸example.com, expect: [enforced] }`,
      'only .test names (found "example.com")',
    ],
    [
      'more messages than a trial has room for',
      `{ send: a, messages: ‸1e9, expect: [enforced] }`,
      'expected no more than 100: they are sent one after the other (found 1000000000)',
    ],
    [
      'a wait that nobody would live to see',
      `{ wait: ‸99999999d }`,
      'expected no more than 1d: a run waits for it; advance makes the sender older at once',
    ],
    ['ten years and more', `{ advance: ‸521w }`, 'expected no more than 520w'],
    [
      'recipients at a domain that is not there',
      `{ send: a, to: [victim.test, ‸other.test], expect: [enforced] }`,
      'nothing in this world takes mail for this domain (found "other.test"; allowed victim.test, mx1.victim.test, tlsrpt.victim.test, sender.test, mx.sender.test, mx.attacker.test)',
    ],
    [
      'an expectation for a domain that nothing is sent to',
      `{ send: a, expect: ‸[enforced: { for: other.test }] }`,
      'no message goes to this domain (found "other.test"; allowed victim.test)',
    ],
    [
      'a message that no variant has',
      `{ send: a, message: ‸$variant, expect: [enforced] }`,
      'this file has no variants (found "$variant")',
    ],
    [
      'a reverse-path in words',
      `{ send: a, message: { from: ‸nobody }, expect: [enforced] }`,
      'unknown value (found "nobody"; allowed <>)',
    ],
    ['no messages', `{ send: a, messages: ‸0, expect: [enforced] }`, 'less than 1 (found 0)'],
    ['a duration', `{ advance: ‸soon }`, `${DURATION} (found "soon")`],
    ['a day and a half', `{ advance: ‸1.5d }`, `${DURATION} (found "1.5d")`],
    [
      'a message of no size',
      `{ send: a, message: { size: ‸0 }, expect: [enforced] }`,
      '0 or less (found 0)',
    ],
    [
      'recover with nothing sent',
      `‸recover`,
      'recover needs something queued, and nothing was sent before',
    ],
    [
      'flush with nothing sent',
      `‸{ flush: a, expect: [enforced] }`,
      'flush needs something queued, and nothing was sent before',
    ],
    [
      'a bad policy in publish',
      `{ publish: a, policy: { ‸mod: none } }`,
      'unknown key (found "mod"; allowed mode, max_age, mx, id, text, record; did you mean mode?)',
    ],
    [
      'a change of what is absent',
      `{ publish: a, policy: absent }\n  - { publish: b, policy: ‸{ id: c } }\n  - { send: a, expect: [enforced] }`,
      'mode is missing: the policy so far is absent',
    ],
  ])('%s', (_, step, ...messages) => broken(`${HEAD}steps:\n  - ${step}\n`, ...messages));

  it('each with its own problem, all are told', () => {
    broken(
      `${HEAD}policy: { mode: ‸3 }\nsteps:\n  - ‸prme\n  - send: a\n    under: [‸strip]\n    expect: [{ delivered: ‸plane }]\n    observe: [‸outcom]\n    ‸mesages: 2\n  - wait: ‸x\n`,
      'unknown mode (found 3; allowed enforce, testing, none)',
      `unknown step (found "prme"; ${STEPS}; did you mean prime?)`,
      'unknown attack (found "strip"; allowed strip-starttls, reply)',
      'unknown value (found "plane"; allowed authenticated, plain; did you mean plain?)',
      'unknown fact (found "outcom"; allowed outcome; did you mean outcome?)',
      'unknown key (found "mesages"; allowed send, under, expect, observe, messages, atOnce, to, message, keepConnections; did you mean messages?)',
      `${DURATION} (found "x")`,
    );
  });
});

describe('attacks and expectations', () => {
  it.each<[string, string, ...string[]]>([
    [
      'an unknown attack',
      send('under: [‸strip-startls]'),
      'unknown attack (found "strip-startls"; allowed strip-starttls, reply; did you mean strip-starttls?)',
    ],
    [
      'an unknown attack with options',
      send('under: [{ ‸rply: { code: 454 } }]'),
      'unknown attack (found "rply"; allowed strip-starttls, reply; did you mean reply?)',
    ],
    [
      'a scalar for a list',
      send('under: ‸strip-starttls'),
      'expected "$variant" or a list (found "strip-starttls")',
    ],
    [
      'a number',
      send('under: [‸3]'),
      'expected the name of an attack, or a map from its name to its options (found 3)',
    ],
    ['an empty map', send('under: [‸{}]'), 'an empty map names no attack'],
    [
      'two in one item',
      send('under: [{ strip-starttls: {}, ‸reply: { code: 454 } }]'),
      'one attack an item; give the other an item of its own (found "reply")',
    ],
    [
      'options beside the name',
      send('under: [{ strip-starttls: {}, ‸how: remove }]'),
      'options of strip-starttls stand one level deeper (found "how")',
    ],
    [
      'an unknown option',
      send('under: [{ strip-starttls: { ‸hwo: remove } }]'),
      'unknown key (found "hwo"; allowed how, mx; did you mean how?)',
    ],
    [
      'an unknown option of a loose schema',
      send('under: [{ reply: { code: 454, ‸text: a } }]'),
      'unknown key (found "text"; allowed code, when)',
    ],
    [
      'a bad option by shorthand',
      send('under: [{ strip-starttls: ‸overwrit }]'),
      'unknown value (found "overwrit"; allowed remove, overwrite; did you mean overwrite?)',
    ],
    [
      'a bad item of an option',
      send('under: [{ strip-starttls: { mx: [a.test, ‸3] } }]'),
      'expected a string (found 3)',
    ],
    [
      'no value',
      send('under: [{ ‸strip-starttls: }]'),
      'unknown value (found null; allowed remove, overwrite)',
    ],
    [
      'a scalar where there is no shorthand',
      send('under: [{ reply: ‸454 }]'),
      'expected a map of options (found 454; allowed code, when)',
    ],
    ['a bare name that needs options', send('under: [‸reply]'), 'code is missing'],
    ['a required option left out', send('under: [{ reply: ‸{} }]'), 'code is missing'],
    [
      'an option out of range',
      send('under: [{ reply: { code: ‸99 } }]'),
      'less than 200 (found 99)',
    ],
    [
      'an option of unknown type',
      send('under: [{ reply: { code: 454, when: { on: ‸vreb } } }]'),
      'unknown on (found "vreb"; allowed verb, connection; did you mean verb?)',
    ],
    [
      'an empty list deep down',
      send('under: [{ reply: { code: 454, when: { on: connection, nth: ‸[] } } }]'),
      'must not be empty (found [])',
    ],
    [
      'a host that is not there',
      send('under: [‸{ strip-starttls: { mx: mx7.victim.test } }]'),
      'no MX host mx7.victim.test in this plan; it has mx1.victim.test, mx.sender.test, mx.attacker.test',
    ],
    [
      'an unknown expectation',
      expecting('[‸enforcd]'),
      'unknown expectation (found "enforcd"; allowed enforced, delivered; did you mean enforced?)',
    ],
    [
      'an expectation’s option',
      expecting('[{ delivered: { ‸chanel: plain } }]'),
      'unknown key (found "chanel"; allowed channel, grade, requirement, for; did you mean channel?)',
    ],
    [
      'a grade',
      expecting('[{ enforced: { grade: ‸fail } }]'),
      'unknown grade (found "fail"; allowed warn)',
    ],
    [
      'a requirement',
      expecting('[{ enforced: { requirement: ‸8461-3.1-ids } }]'),
      'unknown requirement: "holdfast list --requirements" names all (found "8461-3.1-ids"; allowed 8461-5-enforce, 8461-5-transient, 8461-3.1-id; did you mean 8461-3.1-id?)',
    ],
  ])('%s', (_, text, ...messages) => broken(text, ...messages));

  it('through an alias: at what it stands for', () => {
    broken(
      `${HEAD}steps:\n  - { send: a, under: &bad [{ reply: { code: ‸1 } }], expect: [enforced] }\n  - { send: b, under: *bad, expect: [enforced] }\n`,
      'less than 200 (found 1)',
    );
  });

  it('not tried after one that cannot be read, which they may build on', () => {
    broken(
      send('under: [{ strip-starttls: { mx: ‸3 } }, { strip-starttls: { mx: mx7.victim.test } }]'),
      'expected a string or a list (found 3)',
    );
  });

  it('tried on the world of their own step', () => {
    const strip = (host: string) => `{ strip-starttls: { mx: ${host} } }`;
    broken(
      `${HEAD}steps:
  - { send: a, under: [‸${strip('mx2.victim.test')}], expect: [enforced] }
  - { publish: moved, domain: { mx: [mx2.victim.test] } }
  - { flush: b, under: [${strip('mx2.victim.test')}, ‸${strip('mx1.victim.test')}] }
`,
      'no MX host mx2.victim.test in this plan; it has mx1.victim.test, mx.sender.test, mx.attacker.test',
      'no MX host mx1.victim.test in this plan; it has mx2.victim.test, mx.sender.test, mx.attacker.test',
    );
  });
});

describe('variants', () => {
  const variants = (text: string, steps: string) =>
    `${HEAD}variants:\n  ${text}\nsteps:\n  - ${steps}\n`;
  it.each<[string, string, ...string[]]>([
    [
      'none at all',
      variants('‸{}', '{ send: a, expect: [enforced] }'),
      'needs at least one variant',
    ],
    [
      'none, but one is asked for',
      send('under: ‸$variant'),
      'this file has no variants (found "$variant")',
    ],
    [
      'none, but some are asked for',
      `${HEAD}steps:\n  - { send: a, under: [‸$variant], expect: ‸$variant }\n  - { publish: a, policy: ‸$variant }\n`,
      ...Array(3).fill('this file has no variants (found "$variant")'),
    ],
    [
      'one lacks a part',
      variants('a: { under: [] }\n  ‸b: {}', '{ send: a, under: $variant, expect: [enforced] }'),
      'this variant has no under, which a step takes from it',
    ],
    [
      'one lacks what is published',
      variants(
        '‸a: { publish: { policy: absent } }',
        '{ publish: a, policy: $variant, domain: $variant }\n  - { send: a, expect: [enforced] }',
      ),
      'this variant has no publish.domain, which a step takes from it',
    ],
    [
      'a part nobody takes',
      variants(
        'a: { ‸under: [strip-starttls], publish: { ‸domain: {} } }',
        '{ send: a, expect: [enforced] }',
      ),
      'no step takes this: write under: $variant',
      'no step takes this: write domain: $variant',
    ],
    [
      'a name',
      variants('‸As_Cisco: {}', '{ send: a, expect: [enforced] }'),
      'a variant is named in small letters, digits and single hyphens (found "As_Cisco")',
    ],
    [
      'an unknown key',
      variants('a: { ‸grade: warn }', '{ send: a, expect: [enforced] }'),
      'unknown key (found "grade"; allowed title, requirements, under, expect, policy, domain, message, publish)',
    ],
    ['no map', variants('‸a:', '{ send: a, expect: [enforced] }'), 'expected a map (found null)'],
    [
      'a bad attack',
      variants(
        'a: { under: [{ strip-starttls: { how: ‸x } }] }',
        '{ send: a, under: $variant, expect: [enforced] }',
      ),
      'unknown value (found "x"; allowed remove, overwrite)',
    ],
    [
      'a misspelt word',
      send('under: ‸$varient'),
      'expected "$variant" or a list (found "$varient"; did you mean $variant?)',
    ],
    [
      'a host that one variant lacks',
      variants(
        'a: {}\n  b: { domain: { mx: [mx2.victim.test] } }',
        '{ send: a, under: [‸{ strip-starttls: { mx: mx1.victim.test } }], expect: [enforced] }',
      ),
      'no MX host mx1.victim.test in this plan; it has mx2.victim.test, mx.sender.test, mx.attacker.test',
    ],
    [
      'over an absent policy',
      `${HEAD}policy: absent\nvariants:\n  a: { policy: ‸{ id: b } }\n${SEND}`,
      'mode is missing: the policy so far is absent',
    ],
  ])('%s', (_, text, ...messages) => broken(text, ...messages));
});

describe('any text', () => {
  const good = `${HEAD}variants: { a: { under: [strip-starttls] } }\nsteps:\n  - prime\n  - { send: a, under: [$variant, { reply: { code: 454 } }], expect: [enforced] }\n  - recover\n`;
  const piece = fc.constantFrom(
    '[',
    ']',
    '{',
    '}',
    ':',
    ' ',
    '\n',
    '- ',
    '&a ',
    '*a',
    '|',
    '"',
    "'",
    '#',
    '!x ',
    '\t',
    '$variant',
    'policy: ',
    '~',
    '1',
    'steps',
    '\u0000',
    '😀',
    '? ',
  );
  it('makes scenarios or problems that lie within it, and no exception', () => {
    fc.assert(
      fc.property(
        fc.nat(good.length),
        fc.nat(12),
        fc.array(piece, { maxLength: 6 }),
        (at, cut, pieces) => {
          const text = good.slice(0, at) + pieces.join('') + good.slice(at + cut);
          const { scenarios, problems } = loadScenario(text, 'f.yaml', 'f', vocabulary);
          expect(scenarios.length > 0).toBe(problems.length === 0);
          const lines = text.split('\n');
          for (const { line, column } of problems) {
            if (line === 0) continue;
            expect(column).toBeGreaterThanOrEqual(1);
            expect(column).toBeLessThanOrEqual(lines[line - 1]!.length + 1);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
