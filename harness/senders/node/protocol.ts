/**
 * What the harness and a Node child process say to each other over the IPC channel.
 *
 * `lab` and `route` are for the preload; `submit`, `flush` and `advance` are for the program. All
 * but `lab` are answered with `done` or `failed` under the same id. The harness trusts nothing that
 * comes from the child: see readFromChild.
 */

import type { Endpoint, MessageStatus, OutgoingMessage } from '../../model/sender.ts';
import { printable } from '../../protocol/printable.ts';

/** Something asked of the program, or of the preload. */
export type Request =
  | { readonly kind: 'route'; readonly virtual: Endpoint; readonly actual: Endpoint }
  | { readonly kind: 'submit'; readonly message: OutgoingMessage }
  | { readonly kind: 'flush'; readonly domains: readonly string[] }
  | { readonly kind: 'advance'; readonly seconds: number; readonly domains: readonly string[] };

export type ToChild =
  /** The routes sent before it are complete; the program may start. */
  { readonly kind: 'lab'; readonly dns: Endpoint } | (Request & { readonly id: number });

export type FromChild =
  /** The program listens for requests. Sent once. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly detail: string }
  /** The preload: what the program listens for at this port is at `actual` in truth. */
  | { readonly kind: 'listening'; readonly port: number; readonly actual: number }
  | ({ readonly kind: 'status' } & MessageStatus);

const STATUSES: readonly unknown[] = [
  'delivered',
  'deferred',
  'bounced',
] satisfies MessageStatus['status'][];
const MAX_TEXT = 2_000;

/**
 * A message from the child, its shape checked, its texts made printable and no longer than 2,000
 * characters; undefined for anything else.
 */
export function readFromChild(value: unknown): FromChild | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { kind, id, detail, token, status, port, actual } = value as Record<string, unknown>;
  if (kind === 'ready') return { kind };
  if (kind === 'listening' && isPort(port) && isPort(actual)) return { kind, port, actual };
  if (kind === 'done' && typeof id === 'number') return { kind, id };
  if (kind === 'failed' && typeof id === 'number' && typeof detail === 'string')
    return { kind, id, detail: printable(detail, MAX_TEXT) };
  if (
    kind === 'status' &&
    typeof token === 'string' &&
    typeof detail === 'string' &&
    STATUSES.includes(status)
  ) {
    return {
      kind,
      token: printable(token),
      status: status as MessageStatus['status'],
      detail: printable(detail, MAX_TEXT),
    };
  }
  return undefined;
}

const isPort = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) > 0 && Number(value) < 65_536;
