import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import type { AccessLogRecord } from '@rampart/core';
import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';
import type { WebSocketLike } from '../harness/laboratory.ts';
import { allowOnly, STRICT } from '../harness/policies.ts';

describe('WebSockets through the mesh', () => {
  let plane: ControlPlaneProcess;
  let server: Laboratory;
  let caller: Laboratory;
  let stranger: Laboratory;

  before(async () => {
    plane = await ControlPlaneProcess.start();
    await plane.apply(`${STRICT}---\n${allowOnly('chat', 'caller')}`);
    [server, caller, stranger] = await Promise.all([
      Laboratory.start(plane, { serviceAccount: 'chat', service: 'chat' }),
      Laboratory.start(plane, { serviceAccount: 'caller' }),
      Laboratory.start(plane, { serviceAccount: 'stranger' }),
    ]);
    const port = await server.run(async ({ http, ws, events }) => {
      const listener = http.createServer((_request, response) => response.end('plain'));
      const sockets = new ws.WebSocketServer({ server: listener });
      sockets.on('connection', (socket: WebSocketLike, request: import('node:http').IncomingMessage) => {
        socket.send(String(request.headers['x-forwarded-client-cert']));
        socket.on('message', (data: Buffer) => socket.send(data.toString()));
      });
      listener.listen(0, '127.0.0.1');
      await events.once(listener, 'listening');
      return (listener.address() as import('node:net').AddressInfo).port;
    });
    await plane.registered('chat', port);
    for (const each of [caller, stranger]) {
      await until('chat to be known', () =>
        each.run(() =>
          fetch('http://chat/api/')
            .then(() => true)
            .catch(() => undefined),
        ),
      );
    }
  });

  after(async () => {
    await Promise.all([server.kill(), caller.kill(), stranger.kill()]);
    await plane.stop();
  });

  /** Opens a socket, reads the greeting, sends a text and reads its echo. */
  function talk(from: Laboratory, where: { url: string; client: 'ws' | 'built-in' }): Promise<string[]> {
    return from.run(
      ({ ws }, { url, client }: { url: string; client: string }) =>
        new Promise<string[]>((resolve, reject) => {
          const seen: string[] = [];
          const onText = (text: string, socket: { send(data: string): void; close(): void }): void => {
            seen.push(text);
            if (seen.length === 1) socket.send('x'.repeat(70_000));
            else socket.close();
          };
          if (client === 'ws') {
            const socket = new ws.WebSocket(url);
            socket.on('message', (data: Buffer) => onText(data.toString(), socket));
            socket.on('error', reject).on('close', () => resolve(seen));
          } else {
            const socket = new WebSocket(url);
            socket.addEventListener('message', (event) => onText(String(event.data), socket));
            socket.addEventListener('error', () => reject(new Error('refused')));
            socket.addEventListener('close', () => resolve(seen));
          }
        }),
      where,
    );
  }

  function recordsOf(path: string): Promise<AccessLogRecord[]> {
    return until(`both records of ${path}`, async () => {
      const found = (await plane.records()).filter((record) => record.request_path === path);
      return found.length >= 2 ? found : undefined;
    });
  }

  for (const client of ['ws', 'built-in'] as const) {
    it(`${client}: opened, used and closed; one record at each end, with what went through`, async () => {
      const path = `/api/${client}`;
      const [greeting, echo] = await talk(caller, { url: `ws://chat${path}`, client });
      assert.match(greeting ?? '', /URI=spiffe:\/\/cluster\.local\/ns\/default\/sa\/caller$/);
      assert.equal(echo?.length, 70_000);
      const records = await recordsOf(path);
      assert.equal(records.length, 2);
      assert.deepEqual(records.map((record) => record.reporter).toSorted(), ['destination', 'source']);
      for (const record of records) {
        assert.deepEqual(
          [record.response_code, record.response_flags, record.authorization_decision],
          [101, '-', 'ALLOW'],
        );
        assert.equal(record.source_principal, 'spiffe://cluster.local/ns/default/sa/caller');
      }
      const served = records.find((record) => record.reporter === 'destination');
      assert.ok((served?.bytes_sent ?? 0) > 70_000, String(served?.bytes_sent));
      assert.ok((served?.bytes_received ?? 0) > 70_000, String(served?.bytes_received));
    });

    it(`${client}: where policy denies, the upgrade is answered with 403`, async () => {
      await assert.rejects(talk(stranger, { url: `ws://chat/api/denied-${client}`, client }));
      const records = await recordsOf(`/api/denied-${client}`);
      for (const record of records) assert.equal(record.response_code, 403, record.reporter);
      assert.equal(records.find((record) => record.reporter === 'destination')?.authorization_decision, 'DENY');
    });
  }

  it('ws tells its user about the 403', async () => {
    const message = await stranger.run(
      ({ ws }) =>
        new Promise<string>((resolve) =>
          new ws.WebSocket('ws://chat/api/denied').on('error', (error: Error) => resolve(error.message)),
        ),
    );
    assert.equal(message, 'Unexpected server response: 403');
  });

  it('wss to a service name becomes the mesh’s own TLS', async () => {
    const [, echo] = await talk(caller, { url: 'wss://chat/api/secure', client: 'ws' });
    assert.equal(echo?.length, 70_000);
  });

  it('plain requests on the same server go on', async () => {
    assert.equal(await caller.run(() => fetch('http://chat/api/').then((response) => response.text())), 'plain');
  });
});
