/**
 * Trace: what it takes to find the packets of a world among all others, and to read them.
 */

export interface Trace {
  /** Of the world's names. */
  readonly label: string;
  /** Its own while it lasts; `since`: milliseconds since 1970, by the lab's clock. */
  readonly addresses: readonly { readonly address: string; readonly since: number }[];
  /** Lines of a TLS key log: secrets of every handshake so far. */
  readonly keyLog: readonly string[];
}

/**
 * When a trace is asked for, a datagram with these words is sent to this port (discard, RFC 863): a
 * capture that has seen it has seen everything before it.
 */
export const MARK_PORT = 9;
export const markOf = (label: string): string => `holdfast caught up with ${label}`;
