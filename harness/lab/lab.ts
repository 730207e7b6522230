/**
 * The lab: one process that serves every scenario at once, each with names and virtual addresses of its own.
 * Its servers obey the plan of the world they are asked in, and record; they never judge.
 */

import { createPki } from '../../certs/index.ts';
import type { Event } from '../model/observation.ts';
import type { LabAccess } from '../model/sender.ts';
import { startNameServer, type Zone } from './dns-server.ts';
import { createLoopbackFabric } from './fabric.ts';
import { type Health, watchHealth } from './health.ts';
import { type ArrivedMail, startHonestMx } from './honest-mx.ts';
import { createPolicyServer } from './policy-host.ts';
import { createReportInbox } from './report-inbox.ts';
import { createWorld, type Servers, type World } from './world.ts';

export interface Lab extends AsyncDisposable {
  readonly access: LabAccess;
  readonly health: Health;
  /** A world whose names carry `token`. */
  createWorld(token: string, record: (event: Event) => void): World;
}

/** Throws when the lab cannot listen; then nothing is left open. */
export async function startLab(): Promise<Lab> {
  const parts: (Disposable | AsyncDisposable)[] = [];
  try {
    return await openLab(parts);
  } catch (error) {
    await closeAll(parts);
    throw error;
  }
}

/** In reverse order of opening. */
async function closeAll(parts: (Disposable | AsyncDisposable)[]): Promise<void> {
  for (const part of parts.reverse()) {
    if (Symbol.asyncDispose in part) await part[Symbol.asyncDispose]();
    else part[Symbol.dispose]();
  }
}

async function openLab(parts: (Disposable | AsyncDisposable)[]): Promise<Lab> {
  const opened = <T extends Disposable | AsyncDisposable>(part: T): T => {
    parts.push(part);
    return part;
  };
  const pki = await createPki();
  const health = opened(watchHealth());
  const claims = new Map<number, (mail: ArrivedMail) => void>();
  const honest = opened(await startHonestMx((localPort) => claims.get(localPort)));
  // Closed before the honest exchanger: its going must not be seen by a sender.
  const fabric = opened(await createLoopbackFabric());
  const zones = new Map<string, Zone>();
  const names = opened(await startNameServer((token) => zones.get(token)));
  const claim = (localPort: number, onMail: (mail: ArrivedMail) => void) => {
    claims.set(localPort, onMail);
    return () => void claims.delete(localPort);
  };
  const servers: Servers = {
    pki,
    fabric,
    health,
    dial: honest.dial,
    claim,
    policyServer: createPolicyServer(),
    reportInbox: createReportInbox(),
  };

  return {
    access: {
      dns: names.endpoint,
      trust: { policyHosts: pki.authorities.policyHosts.certificatePem, mxHosts: pki.authorities.mxHosts.certificatePem },
      route: fabric.route,
      onRoute: fabric.onRoute,
    },
    health,
    createWorld(token, record) {
      const { zone, ...world } = createWorld(servers, token, record);
      zones.set(token, zone);
      return {
        ...world,
        [Symbol.dispose]() {
          zones.delete(token);
          world[Symbol.dispose]();
        },
      };
    },
    [Symbol.asyncDispose]: () => closeAll(parts),
  };
}
