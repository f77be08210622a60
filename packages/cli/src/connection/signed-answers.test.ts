import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createClient } from '@connectrpc/connect';
import { compressionGzip, createNodeHttpClient, Http2SessionManager } from '@connectrpc/connect-node';
import type { UniversalClientFn, UniversalClientResponse } from '@connectrpc/connect/protocol';
import { createTransport } from '@connectrpc/connect/protocol-connect';
import { type ControlPlane, createLogger, startControlPlane } from '@rampart/server';
import { RegistryService } from '@rampart/wire';
import { believingSigned } from './signed-answers.ts';

const GOOD = '10.0.1.1';
const POISON = '10.9.9.9';
const log = createLogger({ level: 'silent', destination: { write: () => undefined }, pretty: false });

/** What a man in the middle may do with an answer on its way. */
type Middle = (answer: UniversalClientResponse) => Promise<UniversalClientResponse> | UniversalClientResponse;

async function kept(answer: UniversalClientResponse): Promise<readonly [UniversalClientResponse, Buffer]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body) chunks.push(chunk);
  return [answer, Buffer.concat(chunks)];
}

async function* only(content: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(content);
}

const poisoned: Middle = async (answer) => {
  const [, content] = await kept(answer);
  return { ...answer, body: only(Buffer.from(content.toString('latin1').replace(GOOD, POISON), 'latin1')) };
};

describe('answers of the registry that come through somebody else', () => {
  let directory = '';
  let plane: ControlPlane;
  let ca = '';
  let token = '';
  const managers: Http2SessionManager[] = [];

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rampart-signed-'));
    plane = await startControlPlane({ dataDirectory: join(directory, 'data'), ports: { api: 0, metrics: 0 }, log });
    ca = await readFile(plane.caFile, 'utf8');
    token = (await readFile(plane.adminTokenFile, 'utf8')).trim();
    const instance = {
      instanceId: 'payment-1',
      service: 'payment-service',
      namespace: 'default',
      host: GOOD,
      port: 8080,
    };
    await clientThrough((answer) => answer).register({ instance });
  });
  after(async () => {
    for (const manager of managers) manager.abort();
    await plane.stop();
    await rm(directory, { recursive: true, force: true });
  });

  function clientThrough(middle: Middle, registry?: string): ReturnType<typeof createClient<typeof RegistryService>> {
    const address = plane.addresses.api;
    const manager = new Http2SessionManager(address, {}, { ca, minVersion: 'TLSv1.3' });
    managers.push(manager);
    const direct = createNodeHttpClient({ httpVersion: '2', sessionProvider: () => manager });
    const send: UniversalClientFn = async (request) => middle(await direct(request));
    const transport = createTransport({
      baseUrl: address,
      httpClient: believingSigned(send, { settings: { address, registry }, roots: ca, now: () => Date.now() }),
      interceptors: [
        (next) => (request) => {
          request.header.set('authorization', `Bearer ${token}`);
          return next(request);
        },
      ],
      useBinaryFormat: true,
      acceptCompression: [compressionGzip],
      sendCompression: null,
      compressMinBytes: 1024,
      readMaxBytes: 1_000_000,
      writeMaxBytes: 1_000_000,
    });
    return createClient(RegistryService, transport);
  }

  const hosts = async (middle: Middle, registry?: string): Promise<readonly string[]> => {
    const { instances } = await clientThrough(middle, registry).find({
      service: 'payment-service',
      namespace: 'default',
    });
    return instances.map(({ host }) => host);
  };

  it('are believed as the registry gave them', async () => assert.deepEqual(await hosts((answer) => answer), [GOOD]));

  it('are not, once an address in them is another', async () => {
    await assert.rejects(hosts(poisoned), /is not believed: BAD_DIGEST: .*may have changed it/);
  });

  it('are not, without their signature', async () => {
    await assert.rejects(
      hosts((answer) => {
        answer.header.delete('signature');
        answer.header.delete('signature-input');
        return answer;
      }),
      /is not believed: UNSIGNED/,
    );
  });

  it('are not, when they were given to somebody before', async () => {
    let first: Promise<readonly [UniversalClientResponse, Buffer]> | undefined;
    const replay: Middle = async (answer) => {
      first ??= kept(answer);
      const [then, content] = await first;
      return { ...then, header: new Headers(then.header), body: only(content) };
    };
    assert.deepEqual(await hosts(replay), [GOOD]);
    await assert.rejects(hosts(replay), /is not believed: WRONG_NONCE/);
  });

  it('are not, when somebody else was to sign them', async () => {
    const other = 'spiffe://cluster.local/ns/other/sa/rampart-server';
    await assert.rejects(
      hosts((answer) => answer, other),
      /rampart-server signed, which is no registry/,
    );
  });
});
