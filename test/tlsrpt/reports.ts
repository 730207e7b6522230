/** Reports to test with: the example of RFC 8460, and what large senders are known to send. */

import { gzipSync } from 'node:zlib';
import { type CheckedFile, checkFile } from '../../harness/tlsrpt/check-file.ts';

/** RFC 8460 appendix B, with what erratum 6241 mends and RFC 5952 asks for mended. */
export const GOOD = `{
  "organization-name": "Company-X",
  "date-range": {
    "start-datetime": "2016-04-01T00:00:00Z",
    "end-datetime": "2016-04-01T23:59:59Z"
  },
  "contact-info": "sts-reporting@company-x.example",
  "report-id": "5065427c-23d3-47ca-b6e0-946ea0e8c4be",
  "policies": [{
    "policy": {
      "policy-type": "sts",
      "policy-string": ["version: STSv1", "mode: testing", "mx: *.mail.company-y.example", "max_age: 86400"],
      "policy-domain": "company-y.example",
      "mx-host": ["*.mail.company-y.example"]
    },
    "summary": {
      "total-successful-session-count": 5326,
      "total-failure-session-count": 303
    },
    "failure-details": [{
      "result-type": "certificate-expired",
      "sending-mta-ip": "2001:db8:abcd:12::1",
      "receiving-mx-hostname": "mx1.mail.company-y.example",
      "failed-session-count": 100
    }, {
      "result-type": "starttls-not-supported",
      "sending-mta-ip": "2001:db8:abcd:13::1",
      "receiving-mx-hostname": "mx2.mail.company-y.example",
      "receiving-ip": "203.0.113.56",
      "failed-session-count": 200,
      "additional-information": "https://reports.company-x.example/report_info?id=5065427c-23d3#StarttlsNotSupported"
    }, {
      "result-type": "validation-failure",
      "sending-mta-ip": "198.51.100.62",
      "receiving-ip": "203.0.113.58",
      "receiving-mx-hostname": "mx-backup.mail.company-y.example",
      "failed-session-count": 3,
      "failure-reason-code": "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED"
    }]
  }]
}`;

/** The same as the RFC prints it. */
export const RFC_EXAMPLE = GOOD.replace(
  '["*.mail.company-y.example"]',
  '"*.mail.company-y.example"',
)
  .replace('abcd:12::', 'abcd:0012::')
  .replace('abcd:13::', 'abcd:0013::');

/** GOOD as a value, changed. */
export function changed(change: (report: any) => void): Buffer {
  const report = JSON.parse(GOOD);
  change(report);
  return Buffer.from(JSON.stringify(report));
}

/** The text of GOOD with one thing in it replaced. */
export function replaced(from: string, to: string): Buffer {
  if (!GOOD.includes(from)) throw new Error(`the report has no ${from}`);
  return Buffer.from(GOOD.replace(from, () => to));
}

/** RFC 8460 §5.3, as it should be. */
export function mailOf({
  report = Buffer.from(GOOD),
  header = {},
  type = 'multipart/report; report-type="tlsrpt"; boundary="next"',
  part = 'application/tlsrpt+gzip',
  file = 'company-x.example!company-y.example!1459468800!1459555199!001.json.gz',
  text = 'This is an aggregate TLS report from company-x.example',
  gzip = true,
}: {
  readonly report?: Buffer;
  /** Fields that take the place of others; undefined: left out. */
  readonly header?: Readonly<Record<string, string | undefined>>;
  readonly type?: string;
  readonly part?: string;
  readonly file?: string;
  readonly text?: string;
  readonly gzip?: boolean;
} = {}): Buffer {
  const fields: Record<string, string | undefined> = {
    From: 'tlsrpt@company-x.example',
    To: 'reports@company-y.example',
    Subject:
      'Report Domain: company-y.example\r\n Submitter: company-x.example\r\n Report-ID: <735ff.e317+bf22029@company-x.example>',
    'TLS-Report-Domain': 'company-y.example',
    'TLS-Report-Submitter': 'company-x.example',
    'DKIM-Signature':
      'v=1; a=rsa-sha256; d=company-x.example; s=k;\r\n h=from:to:subject:tls-report-domain:tls-report-submitter; bh=x; b=y',
    'MIME-Version': '1.0',
    'Content-Type': type,
    ...header,
  };
  const body = (gzip ? gzipSync(report) : report).toString('base64').replace(/.{76}/g, '$&\r\n');
  return Buffer.from(
    [
      ...Object.entries(fields).flatMap(([name, value]) =>
        value === undefined ? [] : [`${name}: ${value}`],
      ),
      '',
      ...(text === '' ? [] : ['--next', 'Content-Type: text/plain', '', text]),
      '--next',
      `Content-Type: ${part}`,
      'Content-Transfer-Encoding: base64',
      `Content-Disposition: attachment; filename="${file}"`,
      '',
      body,
      '--next--',
      '',
    ].join('\r\n'),
  );
}

/** `must policies[0].policy.mx-host`, in the order in which they were found; or why it was refused. */
function brief(result: CheckedFile): string[] {
  if (result.kind === 'refused') return [`refused: ${result.reason}`];
  return result.findings.map(({ level, path }) => `${level} ${path}`);
}

export const check = async (bytes: Buffer | string, name = 'report') =>
  brief(await checkFile(Buffer.from(bytes), name));
