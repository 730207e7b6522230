/**
 * A cell opened: what was tried and why, what was found, what decided it, and everything that was
 * seen. What decides the chosen finding is marked wherever it stands.
 */

import { drawDiagram, LEG } from './diagram.js';
import { counted, h } from './dom.js';
import { linkTo } from './state.js';

/** The view of a cell; the first finding that is not a pass is chosen where none is. */
export async function drawCell(data, cell, state) {
  const scenario = data.scenarios[cell.scenario];
  const sender = data.senders[cell.sender];
  const [detail, world] = await Promise.all([data.detail(cell), data.world(cell.scenario)]);
  const findings = detail?.findings ?? [];
  const seen = detail?.evidence ?? [];
  const chosen =
    state.finding > 0
      ? state.finding - 1
      : Math.max(
          0,
          findings.findIndex(({ grade }) => grade === cell.shown.shown || grade === 'fail'),
        );
  const because = new Set(findings[chosen]?.because ?? []);
  return h(
    'main',
    { id: 'cell', class: 'opened' },
    h('p', {}, h('a', { href: linkTo({ cell: '' }), class: 'button back' }, '← Matrix'), ' (Esc)'),
    headerOf(cell, scenario, sender),
    variantsOf(data, cell, scenario),
    section('Why', h('p', {}, scenario.why), requirementsOf(data, scenario)),
    findingsOf(data, findings, chosen, detail),
    seen.length > 0 && attackerOf(cell, seen),
    world && worldsOf(world),
    seen.length > 0 ? courseOf(seen, world?.steps ?? [], because) : absentOf(cell),
    seen.length > 0 && [tlsOf(seen), saidOf(seen), transcriptOf(seen, because)],
    againOf(scenario, sender),
  );
}

function section(title, ...children) {
  const id = `s-${title.toLowerCase().replaceAll(/[^a-z]+/g, '-')}`;
  return h('section', { 'aria-labelledby': id }, h('h2', { id }, title), children);
}

function headerOf({ shown, exposure, durationMs, reach, known, told }, scenario, sender) {
  const facts = [
    `${sender.name} ${sender.version}`.trim(),
    `${(durationMs / 1000).toFixed(1)} s`,
    `exposed: ${exposure}`,
    reach !== '' && `under attack it ${reach}`,
  ].filter((fact) => fact);
  return h(
    'header',
    {},
    h(
      'h1',
      { tabIndex: -1 },
      h('span', { class: `verdict ${shown.shown}` }, `${shown.symbol} ${shown.word}`),
      ' ',
      scenario.id,
    ),
    h('p', { class: 'title' }, scenario.title),
    h('p', { class: 'facts' }, facts.join(' · ')),
    told !== '' && h('p', { class: 'told' }, told),
    known &&
      h(
        'p',
        { class: 'notice' },
        `Listed as known: ${known.reason}${known.until ? ` (until ${known.until})` : ''}${known.link ? ` ${known.link}` : ''}`,
      ),
  );
}

/** The other variants of the file, as this sender did in them. */
function variantsOf(data, cell, { id }) {
  const file = id.split('@', 1)[0];
  const own = data.cells.filter(
    (one) =>
      one.sender === cell.sender && data.scenarios[one.scenario].id.split('@', 1)[0] === file,
  );
  const sender = data.senders[cell.sender].name;
  const across = data.cells.filter((one) => one.scenario === cell.scenario);
  const links = (cells, wordOf) =>
    cells.map((one) =>
      h(
        'li',
        {},
        h(
          'a',
          {
            href: linkTo({
              cell: `${data.senders[one.sender].name} ${data.scenarios[one.scenario].id}`,
              finding: 0,
              seen: 0,
            }),
            'aria-current': one === cell && 'page',
          },
          h(
            'span',
            { class: `verdict ${one.shown.shown}`, role: 'img', 'aria-label': one.shown.word },
            one.shown.symbol,
          ),
          ` ${wordOf(one)}`,
        ),
      ),
    );
  return h(
    'nav',
    { class: 'others', 'aria-label': 'Other cells' },
    own.length > 1 && [
      h('h2', {}, `Variants, ${sender}`),
      h(
        'ul',
        {},
        links(own, (one) => data.scenarios[one.scenario].id.slice(file.length) || file),
      ),
    ],
    across.length > 1 && [
      h('h2', {}, 'The same, other senders'),
      h(
        'ul',
        {},
        links(across, (one) => data.senders[one.sender].name),
      ),
    ],
  );
}

function requirementsOf({ requirements }, scenario) {
  const known = scenario.requirements.filter((id) => requirements[id]);
  return h(
    'ul',
    {},
    known.map((id) => h('li', {}, h('b', {}, requirements[id].level), ` ${requirements[id].text}`)),
  );
}

// ---- findings ----

function findingsOf(data, findings, chosen, detail) {
  if (!detail) return section('Findings', h('p', {}, 'This report was made without them.'));
  const remarks = detail.remarks.map((remark) => h('p', { class: 'notice' }, remark));
  return section(
    'Findings',
    findings.length === 0 && h('p', {}, 'None.'),
    h(
      'ol',
      { class: 'findings' },
      findings.map((finding, index) => findingOf(data, finding, index, index === chosen)),
    ),
    remarks,
  );
}

function findingOf(data, finding, index, isChosen) {
  const { shown, symbol, word } = data.shown.find((one) => one.shown === finding.grade);
  const because = finding.because;
  return h(
    'li',
    { id: `finding-${index + 1}`, class: isChosen ? 'chosen' : '' },
    h(
      'h3',
      {},
      h('span', { class: `verdict ${shown}` }, `${symbol} ${word}`),
      ` step ${finding.step + 1} · ${finding.expectation}${finding.weight ? ` · ${finding.weight}` : ''}`,
    ),
    h('p', {}, data.requirements[finding.requirement]?.text ?? finding.requirement),
    h(
      'dl',
      {},
      h('dt', {}, 'expected'),
      h('dd', {}, finding.expected),
      h('dt', {}, 'actual'),
      h('dd', {}, finding.actual),
      finding.harm && [h('dt', {}, 'harm'), h('dd', {}, finding.harm)],
      finding.compared && [h('dt', {}, 'report'), h('dd', {}, comparedOf(finding.compared))],
      because.length > 0 && [
        h('dt', {}, 'because'),
        h(
          'dd',
          {},
          h(
            'a',
            {
              href: linkTo({ finding: index + 1, seen: because[0] }),
              'aria-current': isChosen && 'true',
            },
            isChosen
              ? `${counted(because.length, 'observation')}, marked below`
              : `mark the ${counted(because.length, 'observation')} that decided it`,
          ),
        ),
      ],
    ),
  );
}

/** The report beside what the path saw. */
function comparedOf(rows) {
  return h(
    'table',
    { class: 'compared' },
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        ['', 'the report', 'the path'].map((title) => h('th', { scope: 'col' }, title)),
      ),
    ),
    h(
      'tbody',
      {},
      rows.map(({ what, reported, seen, differs }) =>
        h(
          'tr',
          { class: differs ? 'differs' : '' },
          h('th', { scope: 'row' }, differs ? `≠ ${what}` : what),
          h('td', {}, reported),
          h('td', {}, seen),
        ),
      ),
    ),
  );
}

function attackerOf({ exposure }, seen) {
  const exposed = seen.filter(({ isExposed }) => isExposed);
  if (exposure === 'none' || exposed.length === 0)
    return section('What the attacker saw', h('p', {}, 'No message, and no envelope.'));
  return section(
    'What the attacker saw',
    h(
      'ul',
      { class: 'lines exposed' },
      exposed.map((one) =>
        h(
          'li',
          {},
          `${seconds(one.at)} at ${one.mx}, ${one.secure ? (one.authenticated ? 'over authenticated TLS' : 'over unauthenticated TLS') : 'in clear'}: `,
          one.kind === 'smtp-data'
            ? [`${one.bytes} bytes of mail`, h('pre', {}, one.excerpt)]
            : h('code', {}, one.line.trimEnd()),
        ),
      ),
    ),
  );
}

// ---- the world ----

function worldsOf({ honest, steps }) {
  return section(
    'The world, and what was changed',
    h(
      'details',
      {},
      h('summary', {}, `The honest world: ${counted(honest.length, 'fact')}`),
      table(
        ['what', 'is'],
        honest.map(({ what, is }) => [what, is]),
      ),
    ),
    h(
      'ol',
      { class: 'steps' },
      steps.map(({ kind, label, detail, attacks, expects, changes }) =>
        h(
          'li',
          {},
          h('p', {}, h('b', {}, label === kind ? kind : `${kind} “${label}”`), `: ${detail}`),
          attacks.length > 0 &&
            h(
              'p',
              {},
              'attacks: ',
              attacks.map((one) => [h('code', {}, one), ' ']),
            ),
          expects.length > 0 &&
            h(
              'p',
              {},
              'expects: ',
              expects.map((one) => [h('code', {}, one), ' ']),
            ),
          changes.length > 0 &&
            table(
              ['what', 'before', 'after'],
              changes.map(({ what, before, after }) => [
                what,
                before ?? '(nothing)',
                after ?? '(nothing)',
              ]),
              'changes',
            ),
        ),
      ),
    ),
  );
}

/** Of rows of cells; `name` is its class and its label. */
export function table(heads, rows, name = 'facts') {
  return h(
    'div',
    { class: 'scroll', tabIndex: 0, role: 'group', 'aria-label': name },
    h(
      'table',
      { class: name },
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          heads.map((head) => h('th', { scope: 'col' }, head)),
        ),
      ),
      h(
        'tbody',
        {},
        rows.map((cells) =>
          h(
            'tr',
            {},
            cells.map((cell) => h('td', {}, cell)),
          ),
        ),
      ),
    ),
  );
}

// ---- what was seen ----

function courseOf(seen, steps, because) {
  const legs = [...new Set(seen.map(({ leg }) => leg))];
  const wanted = seen.find(({ seq }) => because.has(seq))?.leg ?? 'main';
  const drawn = h('div', {});
  const buttons = legs.map((leg) =>
    h('button', { type: 'button', click: () => show(leg) }, LEG[leg] ?? leg),
  );
  const show = (leg) => {
    for (const [index, button] of buttons.entries())
      button.setAttribute('aria-pressed', String(legs[index] === leg));
    drawn.replaceChildren(
      drawDiagram(
        seen.filter((one) => one.leg === leg),
        steps,
        because,
      ),
    );
  };
  show(legs.includes(wanted) ? wanted : legs[0]);
  return section(
    'Who said what to whom',
    h('div', { class: 'legs', role: 'group', 'aria-label': 'World' }, legs.length > 1 && buttons),
    h(
      'ul',
      { class: 'legend' },
      [
        ['clear', 'in clear'],
        ['unproved', 'TLS, nobody proved'],
        ['tls', 'authenticated TLS'],
        ['broken', 'failed'],
        ['attacked', 'attacked hop'],
        ['exposed', 'exposed'],
        ['because', 'decides the finding'],
      ].map(([name, word]) => h('li', { class: name }, word)),
    ),
    drawn,
  );
}

function absentOf({ hasEvidence, place, shown }) {
  const why =
    place >= 0 && !hasEvidence && shown.shown !== 'unsupported'
      ? 'There was no room for the evidence of this trial in the page, or none was kept.'
      : 'Nothing was seen: the trial was not run, or this report was made without its evidence.';
  return section('Who said what to whom', h('p', {}, why));
}

function tlsOf(seen) {
  const shakes = seen.filter(({ kind }) => kind === 'tls-handshake');
  if (shakes.length === 0) return null;
  return section(
    'TLS',
    table(
      [
        'time',
        'world',
        'host',
        'SNI',
        'certificate',
        'proves the host',
        'result',
        'version, cipher',
        'alert or reason',
      ],
      shakes.map((one) => [
        seconds(one.at),
        LEG[one.leg] ?? one.leg,
        one.host,
        one.servername || 'none',
        one.certificate,
        one.authenticated ? 'yes' : 'no',
        one.result,
        [one.protocol, one.cipher].filter((part) => part).join(', ') || '–',
        one.reason ?? '–',
      ]),
      'tls',
    ),
  );
}

function saidOf(seen) {
  const said = seen.filter(({ kind }) => kind === 'sender-status' || kind === 'sender-failed');
  if (said.length === 0) return null;
  return section(
    'What the sender said of its mail',
    table(
      ['time', 'world', 'message', 'status', 'in its words'],
      said.map((one) => [
        seconds(one.at),
        LEG[one.leg] ?? one.leg,
        one.token ?? '–',
        one.status ?? 'failed',
        one.detail,
      ]),
      'log',
    ),
  );
}

function transcriptOf(seen, because) {
  return section(
    'Transcript',
    h(
      'div',
      { class: 'scroll', tabIndex: 0, role: 'group', 'aria-label': 'Transcript' },
      h(
        'table',
        { class: 'transcript' },
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            ['#', 'time', 'step', 'world', 'what', 'word for word'].map((head) =>
              h('th', { scope: 'col' }, head),
            ),
          ),
        ),
        h(
          'tbody',
          {},
          seen.map((one) => transcriptRow(one, because)),
        ),
      ),
    ),
  );
}

function transcriptRow(one, because) {
  const classes = [
    one.isAttacked && 'attacked',
    one.isExposed && 'exposed',
    because.has(one.seq) && 'because',
  ];
  return h(
    'tr',
    { id: `seen-${one.seq}`, class: classes.filter((name) => name).join(' ') },
    h('td', {}, h('a', { href: linkTo({ seen: one.seq }) }, String(one.seq))),
    h('td', {}, seconds(one.at)),
    h('td', {}, String(one.step + 1)),
    h('td', {}, one.leg),
    h('td', {}, one.says),
    h('td', { class: 'words' }, wordsOf(one)),
  );
}

const TOLD = ['kind', 'says', 'seq', 'at', 'leg', 'step', 'isAttacked', 'isExposed'];

/** What went over the wire, or everything that an observation holds. */
function wordsOf(one) {
  if (one.kind === 'smtp-command') return one.line.trimEnd();
  if (one.kind === 'smtp-reply') return one.reply.trimEnd();
  if (one.kind === 'smtp-data' || one.kind === 'smtp-garbage') return one.excerpt;
  return Object.entries(one)
    .filter(([key]) => !TOLD.includes(key))
    .map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' · ');
}

function againOf({ word }, { name }) {
  const quoted = (text) =>
    /^[\w./@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
  return section(
    'Run this one again',
    h(
      'pre',
      { class: 'command' },
      `holdfast run ${quoted(word)} --sender ${quoted(name)} --verbose --keep evidence`,
    ),
    h('pre', { class: 'command' }, `holdfast explain ${quoted(word)}`),
  );
}

const seconds = (at) => `+${(at / 1000).toFixed(3)} s`;
