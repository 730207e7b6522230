/** Submission to a server as strict as those under test may be. */

import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { describe, expect, test } from 'vitest';
import { createPki } from '../../certs/index.ts';
import {
  type OutgoingMessage,
  type SubmissionServer,
  UncarriedError,
} from '../../harness/model/sender.ts';
import { createSubmitter } from '../../harness/senders/submission.ts';

/** As wrong as it can be. */
const { keyPem, chainPem } = (await createPki()).issue({
  profile: 'expired',
  host: 'elsewhere.test',
  service: 'mx',
});

const MESSAGE: OutgoingMessage = {
  token: 'hf0123456789ab',
  from: 'probe@sender.test',
  to: 'hf0123456789ab@victim.test',
  data: 'Subject: holdfast\r\n\r\n.\r\n..a\r\nfrom here\r\n',
};

test('what arrives is what was sent, dots and all, in the envelope that was wanted', async () => {
  await using server = await serve({ disabledCommands: ['STARTTLS', 'AUTH'] });
  using submitter = createSubmitter();
  await submitter.submit(server.at, MESSAGE);
  expect(server.mails).toMatchObject([
    { from: MESSAGE.from, to: [MESSAGE.to], data: MESSAGE.data, secure: false, user: undefined },
  ]);
});

test('with STARTTLS and a user: the certificate need not be right', async () => {
  await using server = await serve({
    onAuth: ({ username, password }, _, callback) =>
      callback(password === 'secret' ? null : new Error('535 no'), { user: username }),
  });
  using submitter = createSubmitter();
  await submitter.submit(
    { ...server.at, starttls: true, user: 'probe', password: 'secret' },
    MESSAGE,
  );
  expect(server.mails).toMatchObject([{ secure: true, user: 'probe' }]);
  await expect(
    submitter.submit({ ...server.at, starttls: true, user: 'probe', password: 'wrong' }, MESSAGE),
  ).rejects.toThrow();
});

test('STARTTLS is used only where it is asked for', async () => {
  await using server = await serve({ authOptional: true });
  using submitter = createSubmitter();
  await submitter.submit(server.at, MESSAGE);
  await submitter.submit({ ...server.at, starttls: true }, MESSAGE);
  expect(server.mails.map(({ secure }) => secure)).toEqual([false, true]);
});

test('STARTTLS that is asked for and not offered: nothing is handed over in clear', async () => {
  await using server = await serve({ disabledCommands: ['STARTTLS', 'AUTH'] });
  using submitter = createSubmitter();
  await expect(submitter.submit({ ...server.at, starttls: true }, MESSAGE)).rejects.toThrow();
  expect(server.mails).toEqual([]);
});

test('a refusal is told in the words of the server, and hinders no other message', async () => {
  await using server = await serve({
    disabledCommands: ['STARTTLS', 'AUTH'],
    onRcptTo: ({ address }, _, callback) =>
      callback(address.startsWith('nobody') ? new Error('no such user here') : null),
  });
  using submitter = createSubmitter();
  await expect(
    submitter.submit(server.at, { ...MESSAGE, to: 'nobody@victim.test' }),
  ).rejects.toThrow('no such user here');
  await submitter.submit(server.at, MESSAGE);
  expect(server.mails).toHaveLength(1);
});

test('connections are few and kept, and gone when the submitter is', async () => {
  await using server = await serve({ disabledCommands: ['STARTTLS', 'AUTH'] });
  {
    using submitter = createSubmitter();
    await Promise.all(Array.from({ length: 40 }, () => submitter.submit(server.at, MESSAGE)));
    await submitter.submit(server.at, MESSAGE);
    expect(server.connections()).toBeLessThanOrEqual(8);
  }
  expect(server.mails).toHaveLength(41);
  await server.left();
});

test('messages for one domain go over one connection after the other', async () => {
  const sessions: string[] = [];
  await using server = await serve({
    disabledCommands: ['STARTTLS', 'AUTH'],
    onMailFrom(_, { id }, callback) {
      sessions.push(id);
      callback(null);
    },
  });
  using submitter = createSubmitter();
  for (let n = 0; n < 9; n++) await submitter.submit(server.at, MESSAGE);
  expect(new Set(sessions.slice(0, 8)).size).toBe(8);
  expect(sessions[8]).toBe(sessions[0]);
});

test('a connection that the server has closed is not missed', async () => {
  await using server = await serve({ disabledCommands: ['STARTTLS', 'AUTH'] });
  using submitter = createSubmitter();
  await submitter.submit(server.at, MESSAGE);
  await server.hangUp();
  await submitter.submit(server.at, MESSAGE);
  expect(server.mails).toHaveLength(2);
});

describe('a message that is not plain', () => {
  const other = 'hf0123456789ac@other.test';
  const OPEN = { disabledCommands: ['STARTTLS', 'AUTH'] };
  const SPECIAL: OutgoingMessage = {
    ...MESSAGE,
    from: 'pröbe@sender.test',
    data: 'Subject: holdfast\r\n\r\nÄ\r\n',
    body: '8BITMIME',
    smtputf8: true,
  };

  test('several recipients, the null reverse-path', async () => {
    await using server = await serve(OPEN);
    using submitter = createSubmitter();
    const also = [{ token: 'hf0123456789ac', to: other }];
    await submitter.submit(server.at, { ...MESSAGE, from: '', also });
    expect(server.mails).toMatchObject([{ from: '', to: [MESSAGE.to, other] }]);
  });

  test('one of several recipients is refused: the message was not taken', async () => {
    await using server = await serve({
      ...OPEN,
      onRcptTo: ({ address }, _, callback) => callback(address === other ? new Error('no') : null),
    });
    using submitter = createSubmitter();
    const also = [{ token: 'hf0123456789ac', to: other }];
    await expect(submitter.submit(server.at, { ...MESSAGE, also })).rejects.toThrow(other);
  });

  test('8-bit text and SMTPUTF8, said in MAIL', async () => {
    await using server = await serve(OPEN);
    using submitter = createSubmitter();
    await submitter.submit(server.at, SPECIAL);
    expect(server.mails).toMatchObject([
      { from: SPECIAL.from, data: SPECIAL.data, bodyType: '8bitmime', smtpUtf8: true },
    ]);
  });

  test('REQUIRETLS, where it is offered inside TLS', async () => {
    await using server = await serve({ authOptional: true, hideREQUIRETLS: false });
    using submitter = createSubmitter();
    const message = { ...MESSAGE, requiretls: true } as const;
    await submitter.submit({ ...server.at, starttls: true }, message);
    expect(server.mails).toMatchObject([{ requireTLS: true }]);
    await expect(submitter.submit(server.at, message)).rejects.toThrow(UncarriedError);
    expect(server.mails).toHaveLength(1);
  });

  test.each<[string, SMTPServerOptions, Partial<OutgoingMessage>]>([
    ['8BITMIME', { hide8BITMIME: true }, { body: '8BITMIME' }],
    ['SMTPUTF8', { hideSMTPUTF8: true }, { smtputf8: true }],
    ['REQUIRETLS', {}, { requiretls: true }],
  ])('%s that is not offered: nothing is handed over', async (keyword, options, change) => {
    await using server = await serve({ ...OPEN, ...options });
    using submitter = createSubmitter();
    const handedOver = submitter.submit(server.at, { ...MESSAGE, ...change });
    await expect(handedOver).rejects.toThrow(new RegExp(`does not offer ${keyword}`));
    await expect(handedOver).rejects.toThrow(UncarriedError);
    expect(server.mails).toEqual([]);
  });
});

test('greets: who says 220, and nobody else', async () => {
  await using server = await serve({ authOptional: true });
  using submitter = createSubmitter();
  expect(await submitter.greets(server.at)).toBe(true);
  const refusing = net.createServer((socket) => socket.end('554 go away\r\n'));
  refusing.listen({ host: '127.0.0.1', port: 0 });
  await once(refusing, 'listening');
  const at = { ...server.at, port: (refusing.address() as AddressInfo).port };
  expect(await submitter.greets(at)).toBe(false);
  refusing.close();
  await once(refusing, 'close');
  expect(await submitter.greets(at)).toBe(false);
});

interface Mail {
  readonly from: string | undefined;
  readonly to: readonly string[];
  readonly data: string;
  readonly secure: boolean;
  readonly user: unknown;
  /** What MAIL asked for. */
  readonly bodyType: unknown;
  readonly smtpUtf8: unknown;
  readonly requireTLS: unknown;
}

/** A server of 127.0.0.1. */
async function serve(options: SMTPServerOptions) {
  const mails: Mail[] = [];
  const sockets = new Set<net.Socket>();
  let connections = 0;
  const server = new SMTPServer({
    ...options,
    key: keyPem,
    cert: chainPem,
    authOptional: options.authOptional ?? options.disabledCommands?.includes('AUTH'),
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo, bodyType, smtpUtf8, requireTLS } = session.envelope;
        mails.push({
          from: mailFrom ? mailFrom.address : undefined,
          to: rcptTo.map(({ address }) => address),
          data: Buffer.concat(chunks).toString(),
          secure: session.secure,
          user: session.user,
          bodyType,
          smtpUtf8,
          requireTLS,
        });
        callback();
      });
    },
  });
  server.on('error', () => {});
  server.server.on('connection', (socket) => {
    connections++;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server.server, 'listening');
  const at: SubmissionServer = {
    host: '127.0.0.1',
    port: (server.server.address() as AddressInfo).port,
    starttls: false,
  };
  const left = () => Promise.all([...sockets].map((socket) => once(socket, 'close')));
  return {
    at,
    mails,
    connections: () => connections,
    /** Resolves when nobody is connected. */
    left,
    async hangUp() {
      const gone = left();
      for (const socket of sockets) socket.destroy();
      await gone;
      await new Promise(setImmediate);
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
