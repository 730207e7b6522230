/**
 * The sequence diagram: who said what to whom and when, down the page in order. The sender is on the
 * left; each server that it came to has a lane. It is a list of lines of text, so that it is read
 * out, searched and printed as one.
 */

import { h, place } from './dom.js';
import { linkTo } from './state.js';

/** `steps` are the steps of the world, or empty; `because` holds the numbers that decide a finding. */
export function drawDiagram(seen, steps, because) {
  const events = seen.filter(({ kind }) => kind !== 'lab-health');
  const lanes = ['sender', ...new Set(events.flatMap((event) => laneOf(event) ?? []))];
  const first = events.find(({ isExposed }) => isExposed);
  const inside = new Map();
  const rows = events.map((event) => {
    if (event.kind === 'tls-handshake' && event.result === 'completed')
      inside.set(event.connection, event.authenticated);
    if (event.kind === 'step-started') return stepRow(event, steps);
    return rowOf(event, lanes, inside, {
      isDeciding: because.has(event.seq),
      isMoment: event === first,
    });
  });
  const attacked = new Set(events.filter(({ isAttacked }) => isAttacked).map(laneOf));
  return place(
    h(
      'div',
      { class: 'diagram', tabIndex: 0, role: 'group', 'aria-label': 'Sequence diagram' },
      h(
        'div',
        { class: 'lanes' },
        h('span', { class: 'time' }, 'time'),
        lanes.map((lane) =>
          h(
            'span',
            { class: attacked.has(lane) ? 'lane attacked' : 'lane', title: lane },
            lane,
            attacked.has(lane) && h('em', {}, 'attacked'),
          ),
        ),
      ),
      h('ol', {}, rows),
    ),
    { '--lanes': String(lanes.length) },
  );
}

/** Beside the sender; undefined: the event is the sender's own. */
function laneOf(event) {
  if (event.kind === 'dns-query') return 'DNS';
  if (typeof event.mx === 'string') return event.mx;
  return typeof event.host === 'string' ? event.host : undefined;
}

function stepRow({ step, leg }, steps) {
  const world = steps[step];
  const name = world && world.label !== world.kind ? `${world.kind} “${world.label}”` : world?.kind;
  return h(
    'li',
    { class: 'step' },
    h('b', {}, `Step ${step + 1}${name ? `: ${name}` : ''}`),
    world && ` · ${world.detail}`,
    world && world.attacks.length > 0 && ` · under ${world.attacks.join(', ')}`,
    leg !== 'main' && ` · ${LEG[leg] ?? leg}`,
  );
}

export const LEG = {
  main: 'under test',
  control: 'honest domain (positive control)',
  reporting: 'honest domain that asks for reports (positive control)',
  unprotected: 'same fault, no policy (negative control)',
};

function rowOf(event, lanes, inside, { isDeciding, isMoment }) {
  const lane = laneOf(event);
  const tone = toneOf(event, inside);
  const classes = [
    tone,
    event.isAttacked && 'attacked',
    event.isExposed && 'exposed',
    isDeciding && 'because',
  ];
  const marks = [
    isMoment && 'EXPOSED HERE',
    event.isExposed && !isMoment && 'exposed',
    event.isAttacked && 'attacked hop',
  ].filter((mark) => mark);
  const to = lane === undefined ? 0 : lanes.indexOf(lane);
  const isBack = ['smtp-reply', 'message-accepted'].includes(event.kind) || event.by === 'path';
  return h(
    'li',
    { class: classes.filter((name) => name).join(' '), 'data-seq': String(event.seq) },
    h(
      'a',
      { class: 'time', href: linkTo({ seen: event.seq }), title: `observation ${event.seq}` },
      `+${(event.at / 1000).toFixed(3)}`,
    ),
    h(
      'div',
      { class: 'course' },
      to > 0
        ? place(h('span', { class: isBack ? 'arrow back' : 'arrow', 'aria-hidden': 'true' }), {
            '--to': String(to),
          })
        : h('span', { class: 'dot', 'aria-hidden': 'true' }),
      h(
        'span',
        { class: 'said' },
        to > 0 &&
          h(
            'span',
            { class: 'unseen' },
            isBack ? `${lane} to the sender: ` : `the sender to ${lane}: `,
          ),
        saidIn(event),
        marks.map((mark) => h('strong', { class: 'mark' }, mark)),
        isDeciding && h('span', { class: 'unseen' }, ' (decides the finding)'),
      ),
    ),
  );
}

function toneOf(event, inside) {
  if (typeof event.secure === 'boolean') return channel(event.secure, event.authenticated);
  if (event.kind === 'tls-handshake')
    return event.result === 'completed' ? channel(true, event.authenticated) : 'broken';
  if (event.kind === 'smtp-reply')
    return channel(inside.has(event.connection), inside.get(event.connection) === true);
  if (event.kind === 'policy-request')
    return channel(event.scheme === 'https', event.authenticated);
  return event.kind === 'lab-fault' || event.kind === 'sender-failed' ? 'broken' : 'plain';
}

const channel = (isSecure, isAuthenticated) =>
  isSecure ? (isAuthenticated ? 'tls' : 'unproved') : 'clear';

/** In a diagram there is room for the words of the wire, where they are short. */
function saidIn(event) {
  switch (event.kind) {
    case 'smtp-command':
      return event.line.trimEnd();
    case 'smtp-reply':
      return event.reply.trimEnd().replaceAll('\n', ' / ');
    case 'tls-handshake':
      return [
        `TLS ${event.result}`,
        event.protocol,
        `SNI ${event.servername || 'none'}`,
        `certificate ${event.certificate}`,
        event.reason,
      ]
        .filter((part) => part)
        .join(' · ');
    case 'smtp-connection':
      return `connects to ${event.address}, port 25`;
    case 'message-accepted':
      return `accepted: ${event.subject}`;
    default:
      return event.says;
  }
}
