/** What program.ts uses of mx-connect 2.0.0, which brings no types; from its README. */
declare module 'mx-connect' {
  import type { Socket } from 'node:net';

  /** What mailauth makes of a policy. `expires`: ISO 8601. */
  export interface CachedPolicy {
    readonly id: string | false;
    readonly mode: 'enforce' | 'testing' | 'none';
    readonly expires?: string;
  }

  export interface MxConnectOptions {
    readonly target: string;
    /** Milliseconds, for each host. */
    readonly maxConnectTime: number;
    readonly localHostname: string;
    readonly dnsOptions: { readonly ignoreIPv6: boolean };
    readonly mtaSts: {
      readonly enabled: boolean;
      readonly cache: {
        get(domain: string): CachedPolicy | undefined;
        set(domain: string, policy: CachedPolicy): void;
      };
      logger(entry: object): void;
    };
    /** IP addresses to skip. */
    readonly ignoreMXHosts: readonly string[];
    /** Thrown when every host is skipped. */
    readonly mxLastError?: Error;
  }

  export interface MxConnection {
    readonly socket: Socket;
    /** The MX host's name. */
    readonly hostname: string;
    /** Its IP address. */
    readonly host: string;
    readonly port: number;
    readonly localHostname: string;
    /** DANE only. */
    readonly requireTls?: boolean;
    /** What the policy says of this host. */
    readonly policyMatch?: { readonly valid: boolean; readonly mode: string };
  }

  export default function mxConnect(options: MxConnectOptions): Promise<MxConnection>;
}
