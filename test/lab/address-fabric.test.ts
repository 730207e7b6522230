/**
 * The address fabric, on 127.0.0.0/8 and at a port that needs no privileges: Linux takes all of
 * that prefix for its own.
 */

import net from 'node:net';
import { platform } from 'node:os';
import { describe, expect, it } from 'vitest';
import { createAddressFabric } from '../../harness/lab/address-fabric.ts';
import { readPrefix } from '../../harness/protocol/ipv4.ts';

const PORT = 20_025;
const OTHER_PORT = 20_443;
const greeter = (socket: net.Socket) => void socket.on('error', () => {}).write('hello');

/** What a client meets there: the first bytes, or an error code. */
function dial(address: string, port = PORT): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: address, port });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once('data', (bytes) => {
      socket.destroy();
      resolve(bytes.toString());
    });
  });
}

describe.skipIf(platform() !== 'linux')(
  'the address fabric (Linux: 127.0.0.0/8 is its own)',
  () => {
    /** Six usable addresses; each test has its own. */
    const fabricAt = (third: number) => createAddressFabric(readPrefix(`127.91.${third}.0/29`)!);

    it('leaves out the first and the last address, and goes round', async () => {
      await using fabric = await fabricAt(1);
      const all = Array.from({ length: 6 }, () => fabric.allocate());
      expect(all).toEqual([1, 2, 3, 4, 5, 6].map((last) => `127.91.1.${last}`));
      expect(() => fabric.allocate()).toThrow(
        'every address of 127.91.1.0/29 is in use: run with fewer --jobs, or in a larger network',
      );
      fabric.release('127.91.1.5');
      fabric.release('127.91.1.2');
      expect([fabric.allocate(), fabric.allocate()]).toEqual(['127.91.1.2', '127.91.1.5']);
    });

    it('uses an address that was given back as late as it can', async () => {
      await using fabric = await fabricAt(2);
      const first = fabric.allocate();
      fabric.release(first);
      expect(Array.from({ length: 6 }, () => fabric.allocate()).indexOf(first)).toBe(5);
    });

    it('takes connections where it listens, and nowhere else', async () => {
      await using fabric = await fabricAt(3);
      const [one, other] = [fabric.allocate(), fabric.allocate()];
      await fabric.listen(one, PORT, greeter);
      expect(await Promise.all([dial(one), dial(one, OTHER_PORT), dial(other)])).toEqual([
        'hello',
        'ECONNREFUSED',
        'ECONNREFUSED',
      ]);
      expect([
        fabric.route(one, PORT),
        fabric.route(one, OTHER_PORT),
        fabric.route(other, PORT),
      ]).toEqual([{ address: one, port: PORT }, undefined, undefined]);
    });

    it('refuses, and takes connections again; those that are open stay open', async () => {
      await using fabric = await fabricAt(4);
      const address = fabric.allocate();
      const echo = (socket: net.Socket) => void socket.on('error', () => {}).pipe(socket);
      await fabric.listen(address, PORT, echo);
      const open = net.connect({ host: address, port: PORT });
      await new Promise((resolve) => open.once('connect', resolve));

      await fabric.refuse(address, PORT);
      await fabric.refuse(address, PORT);
      expect(await dial(address)).toBe('ECONNREFUSED');
      expect(fabric.route(address, PORT)).toBeUndefined();
      const answer = new Promise((resolve) =>
        open.once('data', (bytes) => resolve(bytes.toString())),
      );
      open.write('still there?');
      expect(await answer).toBe('still there?');

      await fabric.restore(address, PORT);
      await fabric.restore(address, PORT);
      expect(fabric.route(address, PORT)).toEqual({ address, port: PORT });
      const again = net.connect({ host: address, port: PORT });
      again.write('and again?');
      expect(
        await new Promise((resolve) => again.once('data', (bytes) => resolve(bytes.toString()))),
      ).toBe('and again?');
      for (const socket of [open, again]) socket.destroy();
    });

    it('ends the connections of an address that is given back, at all its ports, and of no other', async () => {
      await using fabric = await fabricAt(5);
      const [one, other] = [fabric.allocate(), fabric.allocate()];
      await fabric.listen(one, PORT, greeter);
      await fabric.listen(one, OTHER_PORT, greeter);
      await fabric.listen(other, PORT, greeter);
      const closed = [PORT, OTHER_PORT].map(
        (port) =>
          new Promise((resolve) => {
            const socket = net.connect(
              { host: one, port },
              () => port === OTHER_PORT && fabric.release(one),
            );
            socket
              .on('error', () => {})
              .once('close', resolve)
              .resume();
          }),
      );
      await Promise.all(closed);
      expect(await Promise.all([dial(one), dial(one, OTHER_PORT), dial(other)])).toEqual([
        'ECONNREFUSED',
        'ECONNREFUSED',
        'hello',
      ]);
    });

    it('says why it cannot listen', async () => {
      await using fabric = await createAddressFabric(readPrefix('192.0.2.128/29')!);
      await expect(fabric.listen(fabric.allocate(), PORT, greeter)).rejects.toThrow(
        'EADDRNOTAVAIL',
      );
    });

    it('leaves nothing open', async () => {
      const fabric = await fabricAt(6);
      const address = fabric.allocate();
      await fabric.listen(address, PORT, greeter);
      await fabric[Symbol.asyncDispose]();
      expect(await dial(address)).toBe('ECONNREFUSED');
    });
  },
);
