import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { after, before, describe, it } from 'node:test';
import { TestCa } from '@rampart/testkit';
import { type ApiServer, openApiServer } from './api-server.ts';

const PATIENCE_MS = 200;

describe('a connection to the API port', () => {
  let server: ApiServer;
  const sockets: TLSSocket[] = [];
  const { promise: held, resolve: release } = Promise.withResolvers<void>();

  before(async () => {
    const ca = await TestCa.create('door.test', Date.now());
    const { certPem, keyPem } = await ca.issueServer(Date.now(), { ipAddresses: ['127.0.0.1'] });
    const handshakeFailed = (): void => undefined;
    server = await openApiServer({ host: '127.0.0.1', port: 0, patienceMs: PATIENCE_MS, handshakeFailed });
    server.use({ certificateChain: certPem, privateKey: keyPem });
    server.serve((_, response) => void held.then(() => response.end('here')));
  });

  after(async () => {
    for (const socket of sockets) socket.destroy();
    await server.close(0);
  });

  async function open(protocol: string): Promise<TLSSocket> {
    const socket = connect({
      port: server.port,
      host: '127.0.0.1',
      ALPNProtocols: [protocol],
      // waiver: reject-unauthorized -- who the server is, is no matter here
      rejectUnauthorized: false,
    });
    sockets.push(socket);
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    return socket.resume();
  }

  for (const protocol of ['http/1.1', 'h2']) {
    it(`that asks for nothing is cut, by ${protocol}`, async () => {
      await once(await open(protocol), 'close');
    });
  }

  it('that has asked may wait for its answer', async () => {
    const socket = await open('http/1.1');
    socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    const answer = once(socket, 'data') as Promise<[Buffer]>;
    await once(await open('http/1.1'), 'close');
    release();
    assert.match((await answer)[0].toString(), /^HTTP\/1\.1 200/);
  });
});
