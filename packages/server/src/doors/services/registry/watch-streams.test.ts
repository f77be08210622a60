import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { createClient, type Interceptor, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { RegistryService, type WatchInstancesResponse } from '@rampart/wire';
import type { ControlPlane } from '../../../control-plane.ts';
import { TestPlanes, until } from '../../../testing/test-plane.ts';
import { type ApiClient, connectAsAdmin } from '../../../testing/workload-client.ts';

/** More than one message of what is there, and more changes than fit into what a connection takes at once. */
const AT_FIRST = 260;
const CHANGES = 200;
const METADATA = Object.fromEntries(['a', 'b', 'c', 'd'].map((key) => [key, key.repeat(500)]));
const SCOPE = { namespace: 'default', service: 'watched' };

describe('many watches of one service', () => {
  const planes = new TestPlanes();
  let plane: ControlPlane;
  let operator: ApiClient;

  before(async () => {
    await planes.open();
    plane = await planes.start();
    operator = connectAsAdmin(plane);
  });
  after(async () => {
    operator.close();
    await planes.close();
  });

  const register = (first: number, count: number): Promise<unknown> =>
    Promise.all(
      Array.from({ length: count }, (_, index) =>
        operator.registry.register({
          instance: {
            ...SCOPE,
            instanceId: `w-${first + index}`,
            host: '10.0.0.1',
            port: 80,
            metadata: METADATA,
            permanent: true,
          },
        }),
      ),
    );

  it('are told the same in every protocol, each thing once and in order, whoever is slow', async () => {
    await register(0, AT_FIRST);
    const watches = Object.entries(transportsTo(plane)).map(([name, transport]) => {
      const stream = createClient(RegistryService, transport).watch(SCOPE)[Symbol.asyncIterator]();
      return { name, stream, told: new Told() };
    });
    const slow = watches.map(async ({ stream, told }) => {
      await read(stream, told, AT_FIRST);
      return () => read(stream, told, AT_FIRST + CHANGES);
    });
    const readOn = await Promise.all(slow);
    await register(AT_FIRST, CHANGES);
    await Promise.all(readOn.map((read) => read()));
    const [first] = watches;
    for (const { name, told, stream } of watches) {
      assert.equal(new Set(told.ids).size, AT_FIRST + CHANGES, name);
      assert.deepEqual(told.ids, first?.told.ids, name);
      assert.deepEqual(
        told.revisions,
        told.revisions.toSorted((a, b) => Number(a - b)),
        name,
      );
      void stream.return?.();
    }
  });

  it('end with the token that opened them', async () => {
    const { token } = await operator.tokens.createApiToken({ name: 'ends', role: 'service' });
    const stream = createClient(RegistryService, grpc(plane, token)).watch(SCOPE)[Symbol.asyncIterator]();
    const told = new Told();
    await read(stream, told, AT_FIRST + CHANGES);
    await register(AT_FIRST + CHANGES, 1);
    await read(stream, told, AT_FIRST + CHANGES + 1);
    let error: unknown;
    void read(stream, told, Number.POSITIVE_INFINITY).catch((reason: unknown) => (error = reason));
    await operator.tokens.revokeApiToken({ name: 'ends' });
    await register(AT_FIRST + CHANGES + 1, 1);
    await until('the end', () => error !== undefined);
    assert.match(String(error), /the token of this call has ended/);
    assert.equal(told.ids.length, AT_FIRST + CHANGES + 1, 'and nothing more was told');
  });
});

/** What a watch heard. */
class Told {
  readonly ids: string[] = [];
  readonly revisions: bigint[] = [];

  add({ events, revision }: WatchInstancesResponse): void {
    this.revisions.push(revision);
    for (const { event } of events) this.ids.push(event.value?.instanceId ?? '');
  }
}

async function read(stream: AsyncIterator<WatchInstancesResponse>, told: Told, until: number): Promise<void> {
  while (told.ids.length < until) {
    const next = await stream.next();
    assert.ok(next.done !== true, 'the stream goes on');
    told.add(next.value);
  }
}

function grpc(plane: ControlPlane, token: string): Transport {
  return createGrpcTransport(optionsOf(plane, token));
}

function transportsTo(plane: ControlPlane): Readonly<Record<string, Transport>> {
  const options = optionsOf(plane, readFileSync(plane.adminTokenFile, 'utf8').trim());
  return {
    grpc: createGrpcTransport(options),
    'grpc of JSON': createGrpcTransport({ ...options, useBinaryFormat: false }),
    'grpc-web': createGrpcWebTransport({ ...options, httpVersion: '2' }),
    connect: createConnectTransport({ ...options, httpVersion: '2', useBinaryFormat: true }),
    'connect of JSON over HTTP/1.1': createConnectTransport({ ...options, httpVersion: '1.1', useBinaryFormat: false }),
    'connect over HTTP/1.1': createConnectTransport({ ...options, httpVersion: '1.1', useBinaryFormat: true }),
  };
}

function optionsOf(
  plane: ControlPlane,
  token: string,
): {
  readonly baseUrl: string;
  readonly nodeOptions: { readonly ca: string };
  readonly interceptors: Interceptor[];
} {
  const authorize: Interceptor = (next) => (request) => {
    request.header.set('authorization', `Bearer ${token}`);
    return next(request);
  };
  const ca = readFileSync(plane.caFile, 'utf8');
  return { baseUrl: plane.addresses.api, nodeOptions: { ca }, interceptors: [authorize] };
}
