/** `requiretls-honoured` and `bounce-protected`: RFC 8689 §2, §4.2.1, §5. */

import { describe, expect, test } from 'vitest';
import { judge } from '../../harness/judge/judge.ts';
import { qualify } from '../../harness/model/names.ts';
import { SENDER_MX } from '../../harness/model/plan.ts';
import { evidence, expectations, scenarioOf, send, trialOf, use } from '../evidence.ts';
import { says } from './table.ts';

const KEYWORD = 'REQUIRETLS';
const PARAMETER = ' REQUIRETLS';
/** Asks for REQUIRETLS; the policy was fetched. */
const asked = () => evidence().step(0).submit(undefined, { requiretls: true }).txt().fetch().mx();
const sent = (made: ReturnType<typeof asked>, parameters = PARAMETER) =>
  made.mail(undefined, parameters).rcpt().data().accepted().status('delivered');
const delivered = { options: { outcome: 'delivered' } };
const returned = { options: { outcome: 'returned' } };
const conditions = '8689-2-session-conditions';

/** Without a policy; the MX records asked for so often, and secure or not. */
const looked = (...secure: readonly boolean[]) =>
  secure.reduce(
    (made, ad) =>
      made.see({
        kind: 'dns-query',
        name: qualify('victim.test', 'xw1'),
        type: 'MX',
        transport: 'udp',
        answer: 'NOERROR 1',
        ad,
      }),
    evidence().step(0).submit(undefined, { requiretls: true }).txt(),
  );

describe('requiretls-honoured', () => {
  says('requiretls-honoured', [
    [
      'met',
      'delivered with the parameter, VRFY before it',
      sent(asked().connect().ehlo().tls({}, KEYWORD).command('VRFY hfa00000000001@victim.test')),
      delivered,
    ],
    [
      'met',
      'delivered with the parameter',
      sent(asked().connect().ehlo().tls({}, KEYWORD)),
      delivered,
    ],
    [
      'unmet',
      'without the parameter',
      sent(asked().connect().ehlo().tls({}, KEYWORD), ''),
      { ...delivered, harm: 'none', requirement: conditions },
    ],
    [
      'unmet',
      'to a host without the keyword',
      sent(asked().connect().ehlo().tls()),
      { ...returned, harm: 'content', requirement: conditions },
    ],
    [
      'unmet',
      'the keyword was offered before TLS alone',
      sent(asked().connect().ehlo(KEYWORD).tls()),
      { ...returned, harm: 'content' },
    ],
    [
      'unmet',
      'in clear',
      sent(asked().connect().ehlo(KEYWORD)),
      { ...returned, harm: 'clear', requirement: conditions },
    ],
    [
      'unmet',
      'an unverified certificate',
      sent(asked().connect().ehlo().tls({ authenticated: false, certificate: 'expired' }, KEYWORD)),
      { ...returned, harm: 'content', requirement: conditions },
    ],
    [
      'unmet',
      'a certificate of another name',
      sent(
        asked().connect().ehlo().tls({ authenticated: false, certificate: 'wrong-name' }, KEYWORD),
      ),
      { ...returned, harm: 'content', requirement: '8689-4.2.1-name-match' },
    ],
    [
      'met',
      'a name in the subject alone is a CN-ID, which is allowed here',
      sent(
        asked()
          .connect()
          .ehlo()
          .tls({ authenticated: false, certificate: 'common-name-only' }, KEYWORD),
      ),
      delivered,
    ],
    [
      'unmet',
      'nothing vouches for the host',
      sent(
        evidence()
          .step(0)
          .submit(undefined, { requiretls: true })
          .txt()
          .mx()
          .connect()
          .ehlo()
          .tls({}, KEYWORD),
      ),
      { ...returned, harm: 'content', requirement: '8689-4.2.1-mx-validate' },
    ],
    [
      'met',
      'DNSSEC vouches for the host',
      sent(looked(true).connect().ehlo().tls({}, KEYWORD)),
      delivered,
    ],
    [
      'unmet',
      'DNSSEC vouched for it once, and by the last answer no more',
      sent(looked(true, false).connect().ehlo().tls({}, KEYWORD)),
      { ...returned, harm: 'content', requirement: '8689-4.2.1-mx-validate' },
    ],
    [
      'unmet',
      'the policy names another host',
      sent(asked().connect('mx2.victim.test').ehlo().tls({}, KEYWORD)),
      { ...returned, harm: 'content', requirement: '8689-4.2.1-mx-validate' },
    ],
    [
      'unmet',
      'only the envelope passed',
      asked().connect().ehlo().mail().rcpt().status('bounced'),
      { ...returned, harm: 'envelope' },
    ],
    [
      'met',
      'returned by a DSN',
      asked().connect().ehlo().tls().quit().dsn('failed').status('bounced'),
      returned,
    ],
    [
      'unmet',
      'given up without a DSN',
      asked().connect().ehlo().tls().quit().status('bounced'),
      { ...returned, harm: 'mail-lost', requirement: '8689-4.2.1-dsn' },
    ],
    [
      'met',
      'given up by a sender that declares no DSN',
      asked().connect().ehlo().tls().quit().status('bounced'),
      { ...returned, capabilities: ['requiretls', 'mta-sts'] },
    ],
    [
      'unmet',
      'kept instead of returned',
      asked().connect().ehlo().tls().quit().status('deferred'),
      { ...returned, harm: 'none', requirement: '8689-4.2.1-dsn' },
    ],
    ['undecided', 'silence', asked().connect().ehlo().tls().quit(), returned],
    [
      'unmet',
      'returned, though the host would have done',
      asked().dsn('failed').status('bounced'),
      { ...delivered, harm: 'returned' },
    ],
    [
      'undecided',
      'an attack that did not bite',
      sent(asked().connect().ehlo().tls({}, KEYWORD)),
      returned,
    ],
  ]);

  test('of a message that does not ask for it nothing is asked', () => {
    const made = evidence().primed().step(1).submit().leaks().status('delivered');
    const scenario = scenarioOf([send(), send(use('delivered'))], { policy: undefined });
    const verdict = judge(trialOf(made.health(), scenario), expectations);
    expect(verdict.findings.map(({ requirement }) => requirement)).not.toContain(conditions);
  });

  test('content that passed is a finding in whatever step it did', () => {
    const made = sent(asked().connect().ehlo()).health();
    const scenario = scenarioOf([send(use('contacted', { mx: 'mx1.victim.test' }))]);
    const { grade, findings } = judge(trialOf(made, scenario), expectations);
    expect(grade).toBe('fail');
    expect(findings).toContainEqual(
      expect.objectContaining({ expectation: 'exposure', requirement: conditions, harm: 'clear' }),
    );
  });
});

/** A bounce on its way home. */
const home = (made: ReturnType<typeof asked>) => made.mx('sender.test').connect(SENDER_MX).ehlo();
const bounced = () => asked().connect().ehlo().tls().quit().status('bounced');
const content = (quotes?: 'header' | 'body') => ({ ...(quotes && { quotes }) });

describe('bounce-protected', () => {
  says('bounce-protected', [
    [
      'met',
      'with the parameter, the header alone',
      home(bounced()).tls({}, KEYWORD).mail('', PARAMETER).data(content('header')),
    ],
    [
      'unmet',
      'without the parameter that was offered',
      home(bounced()).tls({}, KEYWORD).mail('').data(content('header')),
      { harm: 'none' },
    ],
    [
      'met',
      'home does not offer it: a bounce is not dropped for that',
      home(bounced()).tls().mail('').data(content('header')),
    ],
    [
      'unmet',
      'the body is returned',
      home(bounced()).tls({}, KEYWORD).mail('', PARAMETER).data(content('body')),
      { harm: 'none' },
    ],
    ['unmet', 'in clear', home(bounced()).mail('').data(content('header')), { harm: 'clear' }],
    [
      'unmet',
      'over unauthenticated TLS',
      home(bounced())
        .tls({ authenticated: false }, KEYWORD)
        .mail('', PARAMETER)
        .data(content('header')),
      { harm: 'content' },
    ],
    ['met', 'redacted, in clear', home(bounced()).mail('').data(content())],
    ['undecided', 'no bounce came', home(bounced()).quit()],
    ['undecided', 'nobody went home', bounced(), { options: { arrives: false } }],
    [
      'met',
      'the way home was no good, and none was sent',
      home(bounced()).quit(),
      { options: { arrives: false } },
    ],
    ['unsupported', 'no DSN declared', bounced(), { capabilities: ['requiretls'] }],
  ]);
});
