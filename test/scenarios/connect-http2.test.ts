import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { allowOnly, STRICT } from '../harness/policies.ts';
import { Workload } from '../harness/workload.ts';

interface Answer {
  readonly answer?: string | readonly string[];
  readonly code?: number;
}

describe('services and clients of Connect over HTTP/2, unchanged', () => {
  let plane: ControlPlaneProcess;
  let talk: Workload;
  let users: Workload;

  before(async () => {
    plane = await ControlPlaneProcess.start();
    await plane.apply(STRICT);
    const script = 'grpc/connect.mjs';
    [talk, users] = await Promise.all([
      Workload.start(plane, { script, serviceAccount: 'talk', service: 'talk', env: { SERVES: 'yes' } }),
      Workload.start(plane, { script, serviceAccount: 'users' }),
    ]);
    await until('talk to answer', async () => (await call('grpc', 'ask')).answer !== undefined);
  });

  after(async () => {
    await Promise.all([talk.kill(), users.kill()]);
    await plane.stop();
  });

  const call = (protocol: string, kind: string): Promise<Answer> =>
    users.ask<Answer>({ target: 'talk', protocol, kind, text: 'one two' });

  const kinds: readonly (readonly [kind: string, answer: string | readonly string[]])[] = [
    ['ask', 'one two from users'],
    ['hear', ['one', 'two']],
    ['tell', 'one two'],
    ['chat', ['ONE', 'TWO']],
  ];
  for (const protocol of ['grpc', 'connect']) {
    for (const [kind, answer] of kinds) {
      it(`${protocol}, ${kind}: answered over mutual TLS, by name`, async () => {
        assert.deepEqual(await call(protocol, kind), { answer });
      });
    }
  }

  it('a denied call is a call without permission, in either protocol', async () => {
    await plane.apply(allowOnly('talk', 'nobody'));
    for (const protocol of ['grpc', 'connect']) {
      await until('the policy to hold', async () => (await call(protocol, 'ask')).code === 7);
      assert.equal((await call(protocol, 'chat')).code, 7);
    }
  });
});
