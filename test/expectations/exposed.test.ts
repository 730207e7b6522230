/** Who saw MAIL, RCPT and content, whatever became of the message. */

import { evidence } from '../evidence.ts';
import { attacked, says } from './table.ts';

const envelope = () => attacked().mx().connect().ehlo().mail().rcpt().quit().status('deferred');

says('exposed', [
  ['met', 'a bare connect and EHLO', attacked().turnsAway()],
  [
    'met',
    'authenticated TLS with a listed host',
    attacked().mx().connect().ehlo().tls().delivered(),
  ],
  ['undecided', 'the MX was looked up, and nobody was tried', attacked().mx()],
  ['undecided', 'nothing happened', attacked(), { actual: /connected to no MX/ }],
  [
    'undecided',
    'the sender came near its own MX only',
    attacked().mx('sender.test').connect('mx.sender.test').ehlo(),
  ],
  ['unmet', 'in clear', attacked().leaks(), { harm: 'clear' }],
  [
    'unmet',
    'an unlisted host',
    attacked().mx().connect('mx.attacker.test').ehlo().tls().delivered(),
    { harm: 'content' },
  ],
  [
    'met',
    'MAIL that names nobody, and may be of an earlier message to somebody else',
    evidence()
      .primed()
      .step(1)
      .submit('other.test')
      .mx('other.test')
      .connect('mx.other.test')
      .ehlo()
      .status('deferred')
      .step(2)
      .submit()
      .turnsAway()
      .status('deferred')
      .connect('mx.other.test')
      .ehlo()
      .mail()
      .quit(),
  ],
  ['unmet', 'the envelope', envelope(), { harm: 'envelope' }],
  [
    'met',
    'the envelope, and no more was forbidden',
    envelope(),
    { options: { atMost: 'envelope' } },
  ],
  [
    'unmet',
    'content, where the envelope was allowed',
    attacked().leaks(),
    { options: { atMost: 'envelope' }, harm: 'clear' },
  ],
  ['met', 'content, where all is allowed', attacked().leaks(), { options: { atMost: 'content' } }],
  [
    'unmet',
    'a message from an earlier step, on its retry',
    evidence().primed().step(1).submit().turnsAway().status('deferred').step(2).leaks(),
    { harm: 'clear' },
  ],
  [
    'unmet',
    'content that follows an envelope of the step before',
    evidence()
      .primed()
      .step(1)
      .submit()
      .connect()
      .ehlo()
      .mail()
      .rcpt()
      .step(2)
      .data({ tokens: [] }),
    { harm: 'clear' },
  ],
  [
    'met',
    'mail of an earlier step to a domain without a policy',
    evidence()
      .primed()
      .step(1)
      .submit('other.test')
      .step(2)
      .submit()
      .connect()
      .ehlo()
      .mail()
      .rcpt('hfa00000000002@other.xw1.test')
      .data({ tokens: ['hfa00000000002'] })
      .turnsAway(),
  ],
  [
    'unmet',
    'a probe of the recipient before delivery',
    attacked().mx().connect().ehlo().mail('').rcpt().quit(),
    { harm: 'envelope' },
  ],
]);
