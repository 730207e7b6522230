/** A notice in free text names no action: what the queue says later tells what it meant. */

import { expect, test } from 'vitest';
import { outcomeOf } from '../../harness/model/evidence.ts';
import { type EvidenceBuilder, evidence } from '../evidence.ts';

const sent = () => evidence().step(0).submit();
const listed = (made: EvidenceBuilder) =>
  made.see({ kind: 'queue-listed', tokens: [made.token()] });

test.each<[string, string, EvidenceBuilder]>([
  ['bounced', 'nothing else is known', sent().dsn()],
  ['bounced', 'it was in the queue before', listed(sent()).dsn()],
  ['deferred', 'it is in the queue after', listed(sent().dsn())],
  ['deferred', 'the log says so', sent().status('deferred').dsn()],
  ['bounced', 'it says that it failed, whatever the queue holds', listed(sent().dsn('failed'))],
  ['delivered', 'it arrives after all', sent().dsn().connect().ehlo().tls().delivered()],
])('%s: %s', (kind, _, made) => expect(outcomeOf(made.observations, made.token()).kind).toBe(kind));
