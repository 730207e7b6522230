/**
 * The TLSRPT report (RFC 8460 §4): what a sender tells a Policy Domain of the day's TLS sessions.
 * Member names are the RFC's.
 */

export interface TlsReport {
  readonly 'organization-name': string;
  /** RFC 3339. */
  readonly 'date-range': { readonly 'start-datetime': string; readonly 'end-datetime': string };
  readonly 'contact-info': string;
  readonly 'report-id': string;
  /** At least one. */
  readonly policies: readonly ReportedPolicy[];
}

export interface ReportedPolicy {
  readonly policy: {
    readonly 'policy-type': PolicyType;
    /**
     * The policy's lines, or the TLSA records. Absent where no policy was found or could be
     * fetched.
     */
    readonly 'policy-string'?: readonly string[];
    readonly 'policy-domain'?: string;
    /** An array; as one string it follows the RFC's own example, which erratum 6241 mends. */
    readonly 'mx-host'?: readonly string[] | string;
  };
  readonly summary: {
    readonly 'total-successful-session-count': number;
    readonly 'total-failure-session-count': number;
  };
  readonly 'failure-details'?: readonly FailureDetails[];
}

export interface FailureDetails {
  /** One of RESULT_TYPES, or one registered since: the registry is open (RFC 8460 §6.6). */
  readonly 'result-type': string;
  readonly 'sending-mta-ip'?: string;
  readonly 'receiving-mx-hostname'?: string;
  readonly 'receiving-mx-helo'?: string;
  readonly 'receiving-ip'?: string;
  /** At least 1. */
  readonly 'failed-session-count': number;
  readonly 'additional-information'?: string;
  readonly 'failure-reason-code'?: string;
}

/** RFC 8460 §4.4. */
export const POLICY_TYPES = ['tlsa', 'sts', 'no-policy-found'] as const;
export type PolicyType = (typeof POLICY_TYPES)[number];

/** RFC 8460 §4.3. */
export const RESULT_TYPES = [
  'starttls-not-supported',
  'certificate-host-mismatch',
  'certificate-expired',
  'certificate-not-trusted',
  'validation-failure',
  'tlsa-invalid',
  'dnssec-invalid',
  'dane-required',
  'sts-policy-fetch-error',
  'sts-policy-invalid',
  'sts-webpki-invalid',
] as const;
export type ResultType = (typeof RESULT_TYPES)[number];
