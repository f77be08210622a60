import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { STRICT } from '../harness/policies.ts';
import { Workload } from '../harness/workload.ts';

interface Answer {
  readonly answer?: string | readonly string[];
  readonly code?: number;
}

const RULES = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: talk, namespace: default }
spec:
  hosts: [talk]
  http:
  - match: [{ uri: { exact: /test.v1.Talk/Hear } }]
    fault: { abort: { grpcStatus: UNAVAILABLE, percentage: { value: 100 } } }
    route: [{ destination: { host: talk } }]
  - timeout: 5s
    retries: { attempts: 2, retryOn: unavailable }
    headers: { request: { set: { x-route: ruled } } }
    route: [{ destination: { host: talk } }]
`;

describe('rules of traffic over HTTP/2, for clients in process', () => {
  let plane: ControlPlaneProcess;
  let talk: Workload;
  const users = new Map<string, Workload>();

  before(async () => {
    plane = await ControlPlaneProcess.start();
    await plane.apply(STRICT);
    const own = { serviceAccount: 'users' };
    const [service, grpc, connect] = await Promise.all([
      Workload.start(plane, {
        script: 'grpc/talk.mjs',
        serviceAccount: 'talk',
        service: 'talk',
        env: { SERVES: 'yes' },
      }),
      Workload.start(plane, { script: 'grpc/talk.mjs', ...own }),
      Workload.start(plane, { script: 'grpc/connect.mjs', ...own }),
    ]);
    talk = service;
    users.set('@grpc/grpc-js', grpc).set('Connect', connect);
    // Sessions are open before there is any rule.
    for (const client of users.keys())
      await until('talk to answer', async () => (await call(client, 'ask', 'hello')).answer !== undefined);
    await plane.apply(RULES);
    for (const client of users.keys())
      await until('the rules to be known', async () => (await call(client, 'hear', 'one')).code === 14);
  });

  after(async () => {
    await Promise.all([talk, ...users.values()].map((each) => each.kill()));
    await plane.stop();
  });

  const call = (client: string, kind: string, text: string): Promise<Answer> =>
    users.get(client)?.ask<Answer>({ target: 'talk', protocol: 'grpc', kind, text }) ?? assert.fail(client);

  const kinds: readonly (readonly [kind: string, answer: string | readonly string[]])[] = [
    ['ask', 'one two three from users'],
    ['tell', 'one two three'],
    ['chat', ['ONE', 'TWO', 'THREE']],
  ];
  for (const client of ['@grpc/grpc-js', 'Connect']) {
    for (const [kind, answer] of kinds) {
      it(`${client}, ${kind}: goes by the rules, with its trailers`, async () => {
        assert.deepEqual(await call(client, kind, 'one two three'), { answer });
      });
    }

    it(`${client}: a status on purpose`, async () => {
      assert.equal((await call(client, 'hear', 'one')).code, 14);
      const record = await until('the record', async () =>
        (await plane.records()).find(
          ({ request_path, response_flags }) => request_path === '/test.v1.Talk/Hear' && response_flags === 'FI',
        ),
      );
      assert.equal(record.destination_service, 'talk.default.svc');
    });

    it(`${client}: the status of the service comes through, and is recorded`, async () => {
      assert.equal((await call(client, 'ask', 'fail')).code, 5);
      await until('both records', async () =>
        (await plane.records()).some(({ reason, reporter }) => reason === 'grpc-status 5' && reporter === 'source'),
      );
    });
  }
});
