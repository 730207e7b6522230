/**
 * Gaps: why a requirement that a lab could ask is not covered, by hand. A test demands a reason for
 * each of them, and that nothing is listed which is covered: then its line goes.
 */

export interface Gap {
  readonly reason: string;
  /** Ids. */
  readonly requirements: readonly string[];
}

export const GAPS: readonly Gap[] = [
  {
    reason: 'A sender that is told to report now has no day over which to spread its reports.',
    requirements: ['8460-4.1-delay'],
  },
  {
    reason: 'No sender of the lab is set to insist on DANE where a domain has none.',
    requirements: ['8460-4.3-dane-required'],
  },
  {
    reason: 'What an administrator is told stands in the log of each sender, in its own words.',
    requirements: ['8461-3.3-refresh-alert', '8461-10.2-alert-repeat', '7672-2.2.1-no-misreport'],
  },
  {
    reason:
      'Every sender of the lab is set to try again when it is told: no run lasts half an hour for each attempt.',
    requirements: ['5321-4.5.4.1-interval'],
  },
  {
    reason:
      'RFC 5321 lets a sender wait for minutes at each command; the lab cuts what has stalled for 20 seconds.',
    requirements: ['5321-4.5.3.2-timeouts'],
  },
  {
    reason:
      'Without DNSSEC for the MX records a sender need not use DANE, and who does not may deliver to any certificate.',
    requirements: ['7672-3.2.2-insecure-mx-ref'],
  },
];
