/**
 * Marks: which observations of a trial lie on an attacked hop, and which of them gave something to
 * an attacker. The judge says how bad it was; this only says where. Pure.
 */

import { exposedBy } from '../model/breaches.ts';
import type { Change, PointOnConnection } from '../model/changes.ts';
import { viewStep } from '../model/evidence.ts';
import { qualifyName } from '../model/names.ts';
import type { Observation } from '../model/observation.ts';
import { ofKind } from '../model/traffic.ts';
import { exposureOf, type Trial, type Verdict } from '../model/verdict.ts';

/** `seq` of observations. */
export interface Marks {
  /** Where the world was not the honest one. */
  readonly attacked: readonly number[];
  /** What was exposed, in order: the first is the moment of it. */
  readonly exposed: readonly number[];
}

export function marksOf(verdict: Verdict, trial: Trial): Marks {
  return { attacked: attackedIn(trial), exposed: exposedIn(verdict, trial) };
}

/** Of the observations that prove an exposure, the parts of a message. */
function exposedIn({ findings, exposure }: Verdict, trial: Trial): number[] {
  if (exposure === 'none') return [];
  const cited = findings.flatMap(({ harm, because }) =>
    exposureOf(harm) === 'none' ? [] : because,
  );
  const allowed = trial.scenario.stages.flatMap(({ changes }, index) =>
    changes.length > 0 ? exposedBy(viewStep(trial, index)).because.map(({ seq }) => seq) : [],
  );
  const wanted = new Set([...cited, ...allowed]);
  return trial.evidence.observations
    .filter((seen) => wanted.has(seen.seq) && isPart(seen))
    .map(({ seq }) => seq);
}

const isPart = (seen: Observation) =>
  seen.kind === 'smtp-data' ||
  (seen.kind === 'smtp-command' && (seen.verb === 'MAIL' || seen.verb === 'RCPT'));

function attackedIn({ scenario, evidence }: Trial): number[] {
  const { observations } = evidence;
  const inside = new Set<string>();
  const nth = new Map(
    ofKind(observations, 'smtp-connection').map((seen) => [seen.connection, seen.nth]),
  );
  const asked = new Map<string, number>();
  const labels = new Map<string, string>();
  return observations.flatMap((seen) => {
    if (seen.kind === 'step-started') labels.set(seen.leg, seen.label);
    if (seen.leg === 'control' || seen.leg === 'reporting') return [];
    if (seen.kind === 'tls-handshake' && seen.result === 'completed') inside.add(seen.connection);
    const changes = scenario.stages[seen.step]?.changes ?? [];
    const label = labels.get(seen.leg);
    const question =
      seen.kind === 'dns-query' ? [seen.leg, seen.step, seen.name, seen.type].join(' ') : '';
    if (question !== '') asked.set(question, (asked.get(question) ?? 0) + 1);
    const moment: Moment = {
      which: asked.get(question) ?? 0,
      nth: 'connection' in seen ? nth.get(seen.connection) : undefined,
      isInside: 'connection' in seen && inside.has(seen.connection),
      qualified: (name) => plain(label === undefined ? name : qualifyName(name, label)),
    };
    const isChanged = seen.kind === 'smtp-reply' && seen.changed;
    return isChanged || changes.some((change) => isAt(change, seen, moment)) ? [seen.seq] : [];
  });
}

interface Moment {
  /** Which question of its kind it is in this step, from 1. */
  readonly which: number;
  /** Which connection to the host it is on. */
  readonly nth?: number;
  /** Within TLS. */
  readonly isInside: boolean;
  qualified(name: string): string;
}

const plain = (name: string) => name.replace(/\.$/, '').toLowerCase();

function isAt(
  change: Change,
  seen: Observation,
  { which, nth, isInside, qualified }: Moment,
): boolean {
  if (change.kind === 'question')
    return (
      seen.kind === 'dns-query' &&
      plain(seen.name) === qualified(change.name) &&
      seen.type === change.type &&
      (change.nth?.includes(which) ?? true)
    );
  const own = change.points.filter((point) => point.nth !== undefined && point.nth === nth);
  const points = own.length > 0 ? own : change.points.filter((point) => point.nth === undefined);
  const hosts = [change.host, ...(change.mx === undefined ? [] : [change.mx])].map(qualified);
  return (
    hosts.includes(plain(hostOf(seen))) && points.some((point) => isPoint(point, seen, isInside))
  );
}

function hostOf(seen: Observation): string {
  if (seen.kind === 'dns-query') return seen.type === 'A' ? seen.name : '';
  if (seen.kind === 'smtp-connection') return seen.host ?? seen.mx;
  if ('mx' in seen) return seen.mx;
  return 'host' in seen ? (seen.host ?? '') : '';
}

function isPoint({ at }: PointOnConnection, seen: Observation, isInside: boolean): boolean {
  switch (seen.kind) {
    case 'dns-query':
      return at === 'address';
    case 'smtp-connection':
    case 'web-connection':
      return at === 'connection';
    case 'tls-handshake':
      return at === 'handshake';
    case 'policy-request':
    case 'report-received':
      return at === 'request';
    case 'smtp-reply':
      if (seen.to === 'EHLO') return at === (isInside ? 'EHLO-inside' : 'EHLO');
      return seen.to === '' ? at === 'connection' : at === seen.to;
    default:
      return false;
  }
}
