/** What a report tells, as far as it can be read. Nothing here is checked: see check.ts. */

export interface ReadReport {
  readonly organization?: string;
  readonly contact?: string;
  readonly id?: string;
  /** Milliseconds since 1970. */
  readonly from?: number;
  readonly to?: number;
  readonly policies: readonly ReadPolicy[];
}

export interface ReadPolicy {
  readonly type?: string;
  readonly domain?: string;
  /** `policy-string`: lines of the policy, or TLSA records. */
  readonly lines: readonly string[];
  /** `mx-host`. */
  readonly mx: readonly string[];
  readonly succeeded?: number;
  readonly failed?: number;
  readonly failures: readonly ReadFailure[];
}

export interface ReadFailure {
  readonly type?: string;
  readonly sessions?: number;
  /** `receiving-mx-hostname`. */
  readonly mx?: string;
  /** `receiving-ip`. */
  readonly ip?: string;
  /** `sending-mta-ip`. */
  readonly from?: string;
  /** `failure-reason-code`. */
  readonly reason?: string;
  /** `additional-information`. */
  readonly more?: string;
}
