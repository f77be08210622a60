import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { STRICT } from '../harness/policies.ts';
import { Workload } from '../harness/workload.ts';

interface Answer {
  readonly answer?: string | readonly string[];
  readonly code?: number;
  readonly details?: string;
}

const ONLY_ASK = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: talk, namespace: default }
spec:
  selector: { matchLabels: { app: talk } }
  rules:
  - from: [{ source: { principals: [cluster.local/ns/default/sa/users] } }]
    to: [{ operation: { methods: [POST], paths: [/test.v1.Talk/Ask] } }]
`;

describe('gRPC services and clients of @grpc/grpc-js, unchanged', () => {
  let plane: ControlPlaneProcess;
  let talk: Workload;
  let users: Workload;

  before(async () => {
    plane = await ControlPlaneProcess.start();
    await plane.apply(STRICT);
    const script = 'grpc/talk.mjs';
    [talk, users] = await Promise.all([
      Workload.start(plane, { script, serviceAccount: 'talk', service: 'talk', env: { SERVES: 'yes' } }),
      Workload.start(plane, { script, serviceAccount: 'users' }),
    ]);
    await until('talk to answer', async () => (await call('ask', 'hello')).answer !== undefined);
  });

  after(async () => {
    await Promise.all([talk.kill(), users.kill()]);
    await plane.stop();
  });

  const call = (kind: string, text: string): Promise<Answer> => users.ask<Answer>({ target: 'talk', kind, text });

  const kinds: readonly (readonly [kind: string, answer: string | readonly string[]])[] = [
    ['ask', 'one two three from users'],
    ['hear', ['one', 'two', 'three']],
    ['tell', 'one two three'],
    ['chat', ['ONE', 'TWO', 'THREE']],
  ];
  for (const [kind, answer] of kinds) {
    it(`${kind}: answered over mutual TLS, by name`, async () => {
      assert.deepEqual(await call(kind, 'one two three'), { answer });
    });
  }

  it('both ends record each call with its path, bytes and status of gRPC, in one trace', async () => {
    assert.deepEqual(await call('ask', 'fail'), { code: 5, details: 'no such thing' });
    const records = await until('both records', async () => {
      const found = (await plane.records()).filter(({ reason }) => reason === 'grpc-status 5');
      return found.length === 2 ? found : undefined;
    });
    for (const record of records) {
      assert.equal(record.request_path, '/test.v1.Talk/Ask');
      assert.equal(record.source_principal, 'spiffe://cluster.local/ns/default/sa/users');
      assert.deepEqual([record.response_code, record.response_flags, record.protocol], [200, '-', 'HTTP/2']);
      // Five bytes before each message, and two of the field.
      assert.equal(record.bytes_received, 5 + 2 + 4);
    }
    assert.equal(new Set(records.map(({ trace_id }) => trace_id)).size, 1);
  });

  it('a denied call gets PERMISSION_DENIED, whatever its kind, and the others go on', async () => {
    await plane.apply(ONLY_ASK);
    await until('the policy to hold', async () => (await call('hear', 'one')).code === 7);
    for (const kind of ['tell', 'chat']) assert.equal((await call(kind, 'one two')).code, 7);
    assert.deepEqual(await call('ask', 'still'), { answer: 'still from users' });
    const record = await until('the record', async () =>
      (await plane.records()).find(({ authorization_decision }) => authorization_decision === 'DENY'),
    );
    assert.equal(record.response_flags, 'UAEX');
    await plane.admin.deleteResource({ kind: 'AuthorizationPolicy', namespace: 'default', name: 'talk' });
    await until('the policy to be gone', async () => (await call('hear', 'one')).answer !== undefined);
  });

  it('plaintext with prior knowledge is refused under STRICT, and judged where it is let in', async () => {
    assert.equal(await status(talk.port), 'closed');
    await plane.apply(STRICT.replace('STRICT', 'PERMISSIVE'));
    // What a server of gRPC says to whoever speaks none.
    await until('plaintext to be let in', async () => (await status(talk.port)) === 415);
    await plane.apply(ONLY_ASK);
    await until('the policy to hold', async () => (await status(talk.port)) === 403);
  });
});

/** What a caller outside the mesh is told that speaks HTTP/2 and no gRPC. */
async function status(port: number): Promise<number | string> {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on('error', () => undefined);
  const stream = session.request({ ':method': 'POST', ':path': '/test.v1.Talk/Ask' });
  stream.on('error', () => undefined);
  const answered = once(stream, 'response').then(([headers]) => (headers as { ':status': number })[':status']);
  const closed = once(session, 'close').then(() => 'closed');
  stream.end();
  const outcome = await Promise.race([answered.catch(() => 'closed'), closed]);
  session.destroy();
  return outcome;
}
