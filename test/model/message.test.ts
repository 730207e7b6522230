/** What is written into a message, and what cannot be. */

import { describe, expect, test } from 'vitest';
import { composeMessage, type MessageForm, messageForm } from '../../harness/model/message.ts';

const partsOf = (form: MessageForm) => {
  const recipients = [{ token: 'hf000000000001', to: 'hf000000000001@victim.test' }];
  const { data } = composeMessage({ recipients, from: 'a@sender.test', form });
  const end = data.indexOf('\r\n\r\n');
  return { header: data.slice(0, end).split('\r\n'), text: data.slice(end + 4).split('\r\n') };
};

describe('a field and a line of its own', () => {
  test('each stands where it belongs', () => {
    const { header, text } = partsOf({ header: 'X-Note: a', line: 'TLS-Required: No' });
    expect(header).toContain('X-Note: a');
    expect(header).not.toContain('TLS-Required: No');
    expect(text).toContain('TLS-Required: No');
  });

  test.each([
    [{ header: 'no field' }],
    [{ header: 'X-Note: a\r\nX-Other: b' }],
    [{ header: 'subject: hello' }],
    [{ header: 'Content-Type: text/html' }],
    [{ header: 'TLS-Required: no' }],
    [{ line: '' }],
    [{ line: 'two\r\nlines' }],
  ])('refused: %j', (form) => {
    expect(messageForm.safeParse(form).success).toBe(false);
  });
});
