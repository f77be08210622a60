import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';
import { STRICT } from '../harness/policies.ts';
import { SidecarProcess } from '../harness/sidecar.ts';
import { Workload } from '../harness/workload.ts';

const RULES = `${STRICT}---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: orders, namespace: default }
spec:
  host: orders-api
  trafficPolicy:
    connectionPool: { http: { http2MaxRequests: 100 } }
  subsets:
  - { name: v1, labels: { version: v1 } }
  - { name: v2, labels: { version: v2 } }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: orders, namespace: default }
spec:
  hosts: [orders-api]
  http:
  - name: canary
    match: [{ headers: { x-canary: { exact: "yes" } } }]
    route: [{ destination: { host: orders-api, subset: v2 } }]
  - name: moved
    match: [{ uri: { prefix: /old/ } }]
    rewrite: { uri: /new/, authority: orders.internal }
    headers:
      request: { set: { x-route: moved }, remove: [x-debug] }
      response: { remove: [x-inner], add: { x-by: mesh } }
    route: [{ destination: { host: orders-api, subset: v1 } }]
  - name: slow
    match: [{ uri: { exact: /silent } }]
    timeout: 0.2s
    route: [{ destination: { host: orders-api, subset: v1 } }]
  - name: broken
    match: [{ uri: { exact: /teapot } }]
    fault: { abort: { httpStatus: 418, percentage: { value: 100 } } }
    route: [{ destination: { host: orders-api, subset: v1 } }]
  - name: late
    match: [{ uri: { exact: /late } }]
    fault: { delay: { fixedDelay: 0.3s, percentage: { value: 100 } } }
    route: [{ destination: { host: orders-api, subset: v1 } }]
  - name: again
    match: [{ uri: { prefix: /failing } }]
    retries: { attempts: 3, retryOn: "5xx" }
    route: [{ destination: { host: orders-api } }]
  - name: away
    match: [{ uri: { exact: /away } }]
    redirect: { uri: /elsewhere }
  - name: copied
    match: [{ uri: { exact: /copied } }]
    mirror: { host: orders-api, subset: v2 }
    route: [{ destination: { host: orders-api, subset: v1 } }]
  - name: known
    match: [{ uri: { prefix: / }, method: { regex: "GET|PUT|POST" } }]
    route:
    - { destination: { host: orders-api, subset: v1 }, weight: 100 }
    - { destination: { host: orders-api, subset: v2 }, weight: 0 }
`;

const FALLBACK = `apiVersion: rampart.dev/v1
kind: Fallback
metadata: { name: orders, namespace: default }
spec:
  host: orders-api
  response: { status: 200, headers: { x-from: fallback }, body: "[]" }
`;

interface Asked {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly took: number;
}

/** What the instance saw. */
interface Seen {
  readonly version: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

describe('rules of traffic', () => {
  let plane: ControlPlaneProcess;
  let first: Workload;
  let second: Workload;
  let laboratory: Laboratory;
  let sidecar: SidecarProcess;

  before(async () => {
    plane = await ControlPlaneProcess.start();
    await plane.apply(RULES);
    const orders = { script: 'varied.mjs', serviceAccount: 'orders-api', service: 'orders-api' };
    [first, second, laboratory, sidecar] = await Promise.all([
      Workload.start(plane, { ...orders, labels: { version: 'v1' }, env: { VERSION: 'v1' } }),
      Workload.start(plane, { ...orders, labels: { version: 'v2' }, env: { VERSION: 'v2' } }),
      Laboratory.start(plane, { serviceAccount: 'users-api' }),
      SidecarProcess.start(plane, { serviceAccount: 'users-api' }),
    ]);
    await until('both instances to be known everywhere', async () => {
      const canary = { path: '/', headers: { 'x-canary': 'yes' } };
      const answers = await Promise.all(Object.values(clients).flatMap((call) => [call({ path: '/' }), call(canary)]));
      return answers.every(({ status }) => status === 200);
    });
  });

  after(async () => {
    await Promise.all([first.kill(), second.kill(), laboratory.kill(), sidecar.stop()]);
    await plane.stop();
  });

  const clients: Readonly<Record<string, (asked: Asked) => Promise<Answered>>> = {
    'fetch, in-process': (asked) =>
      laboratory.run(async (_, { path, ...how }) => {
        const before = performance.now();
        const answer = await fetch(`http://orders-api${path}`, { redirect: 'manual', ...how });
        const { status, headers } = answer;
        const body = await answer.text();
        return { status, headers: Object.fromEntries(headers), body, took: performance.now() - before };
      }, asked),
    'node:http, in-process': (asked) =>
      laboratory.run(
        ({ http, kept }, { path, body, ...how }) =>
          new Promise<Answered>((resolve, reject) => {
            const before = performance.now();
            const agent = (kept['agent'] ??= new http.Agent({ keepAlive: true })) as import('node:http').Agent;
            const sent = http.request(`http://orders-api${path}`, { agent, ...how }, (answer) => {
              let all = '';
              answer.on('data', (chunk: Buffer) => (all += chunk.toString()));
              answer.on('end', () => {
                const headers = answer.headers as Record<string, string>;
                resolve({ status: answer.statusCode ?? 0, headers, body: all, took: performance.now() - before });
              });
            });
            sent.on('error', reject);
            sent.end(body);
          }),
        asked,
      ),
    sidecar: async ({ path, body, headers, ...how }) => {
      const before = performance.now();
      const port = sidecar.announcement.proxyPort;
      const sent = request({ port, host: '127.0.0.1', path, headers: { host: 'orders-api', ...headers }, ...how });
      sent.end(body);
      const [answer] = (await once(sent, 'response')) as [IncomingMessage];
      const all = await text(answer);
      const took = performance.now() - before;
      return { status: answer.statusCode ?? 0, headers: answer.headers as Record<string, string>, body: all, took };
    },
  };

  function seen({ body }: Answered): Seen {
    return JSON.parse(body) as Seen;
  }

  for (const client of ['fetch, in-process', 'node:http, in-process', 'sidecar'] as const) {
    describe(client, () => {
      const call = (asked: Asked): Promise<Answered> =>
        clients[client]?.(asked) ?? assert.fail('there is no such client');
      const flagsOf = (path: string): Promise<string> =>
        until(`the record of ${path}`, async () => {
          const records = await plane.records();
          return records.find(({ request_path, reporter }) => request_path === path && reporter === 'source')
            ?.response_flags;
        });

      it('a header chooses the canary, everybody else gets the first version', async () => {
        for (let time = 0; time < 5; time += 1) {
          assert.equal(seen(await call({ path: '/', headers: { 'x-canary': 'yes' } })).version, 'v2');
          assert.equal(seen(await call({ path: '/' })).version, 'v1');
        }
      });

      it('path, authority and headers are changed on the way, and back', async () => {
        const answer = await call({ path: '/old/1?q=2', headers: { 'x-debug': 'yes' } });
        const { url, headers } = seen(answer);
        assert.deepEqual(
          [url, headers['host'], headers['x-route'], headers['x-debug'], headers['x-rampart-call']],
          ['/new/1?q=2', 'orders.internal', 'moved', undefined, undefined],
        );
        assert.deepEqual([answer.headers['x-by'], answer.headers['x-inner']], ['mesh', undefined]);
      });

      it('no answer in time: 504 UT', async () => {
        const { status, took } = await call({ path: '/silent' });
        assert.equal(status, 504);
        assert.ok(took >= 195 && took < 3000, `${took}`);
        assert.equal(await flagsOf('/silent'), 'UT');
      });

      it('an error on purpose: FI', async () => {
        assert.equal((await call({ path: '/teapot' })).status, 418);
        assert.equal(await flagsOf('/teapot'), 'FI');
      });

      it('a delay on purpose: DI', async () => {
        const { took, status } = await call({ path: '/late' });
        assert.equal(status, 200);
        assert.ok(took >= 295, `${took}`);
        assert.equal(await flagsOf('/late'), 'DI');
      });

      it('a failing instance is passed over, with the body; one that fails everywhere is told: URX', async () => {
        for (let time = 0; time < 4; time += 1) {
          const answer = await call({ path: '/failing-v1', method: 'PUT', body: 'all of it' });
          assert.deepEqual([answer.status, seen(answer).version, seen(answer).body], [200, 'v2', 'all of it']);
        }
        assert.equal((await call({ path: '/failing' })).status, 503);
        assert.equal(await flagsOf('/failing'), 'URX');
      });

      it('POST is not done twice', async () => {
        const id = `once-${client.replaceAll(/\W/g, '')}`;
        const arrived = async (): Promise<number> =>
          (await plane.records()).filter(({ request_id, reporter }) => request_id === id && reporter === 'destination')
            .length;
        const asked = { path: '/failing', method: 'POST', body: 'once', headers: { 'x-request-id': id } };
        assert.equal((await call(asked)).status, 503);
        await until('its record', async () => (await arrived()) > 0);
        assert.equal(await arrived(), 1);
      });

      it('a redirect is answered here', async () => {
        const { status, headers } = await call({ path: '/away' });
        assert.deepEqual([status, headers['location']], [301, 'http://orders-api/elsewhere']);
      });

      it('a copy goes to the mirror', async () => {
        assert.equal(seen(await call({ path: '/copied', method: 'POST', body: 'both' })).version, 'v1');
        await until('the copy', async () =>
          (await plane.records()).some(
            ({ request_path, authority, reporter }) =>
              request_path === '/copied' && authority === 'orders-api-shadow' && reporter === 'destination',
          ),
        );
      });

      it('a request that no route is about: 404 NR', async () => {
        assert.equal((await call({ path: '/unrouted', method: 'DELETE' })).status, 404);
        assert.equal(await flagsOf('/unrouted'), 'NR');
      });
    });
  }

  for (const how of ['an agent', 'a connection of its own'] as const) {
    it(`a connection that becomes something else goes where a rule says: ${how}, in-process`, async () => {
      const heard = await laboratory.run(
        ({ http, net }, own) =>
          new Promise<string>((resolve, reject) => {
            const sent = http.request('http://orders-api/socket', {
              headers: { connection: 'upgrade', upgrade: 'echo', 'x-canary': 'yes' },
              ...(own ? { createConnection: () => net.connect({ host: 'orders-api', port: 80 }) } : {}),
            });
            sent.on('upgrade', (_, socket, head) => {
              let all = head.toString();
              socket.on('data', (chunk: Buffer) => {
                all += chunk.toString();
                if (!all.endsWith('hello')) return;
                socket.destroy();
                resolve(all);
              });
              socket.write('hello');
            });
            sent.on('error', reject);
            sent.end();
          }),
        how !== 'an agent',
      );
      assert.equal(heard, 'v2:hello');
    });
  }

  it('requests with bodies of known and of unknown length on one connection, in-process', async () => {
    const answers = await laboratory.run(async ({ http }) => {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      const send = (parts: readonly string[], headers: Record<string, string>): Promise<string> =>
        new Promise((resolve, reject) => {
          const sent = http.request('http://orders-api/', { agent, method: 'POST', headers }, (answer) => {
            let all = '';
            answer.on('data', (chunk: Buffer) => (all += chunk.toString()));
            answer.on('end', () => resolve(all));
          });
          sent.on('error', reject);
          for (const part of parts) sent.write(part);
          sent.end();
        });
      return [
        await send(['known'], { 'content-length': '5' }),
        await send(['un', 'known'], { 'x-canary': 'yes' }),
        await send(['after', 'wards'], { 'content-length': '10' }),
      ];
    });
    const bodies = answers.map((answer) => JSON.parse(answer) as Seen).map(({ version, body }) => [version, body]);
    assert.deepEqual(bodies, [
      ['v1', 'known'],
      ['v2', 'unknown'],
      ['v1', 'afterwards'],
    ]);
  });

  it('every instance out: the fallback of a rule, for every client', async () => {
    await plane.apply(FALLBACK);
    await Promise.all([first.kill(), second.kill()]);
    for (const [client, call] of Object.entries(clients)) {
      const answer = await until(`the fallback: ${client}`, async () => {
        const given = await call({ path: '/' });
        return given.body === '[]' ? given : undefined;
      });
      assert.deepEqual([answer.status, answer.headers['x-from']], [200, 'fallback']);
    }
  });
});
