import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { networkInterfaces } from 'node:os';
import { after, before, describe, it } from 'node:test';
import { Code, ConnectError } from '@connectrpc/connect';
import type { ControlPlane } from '../../control-plane.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import { TestPlanes } from '../../testing/test-plane.ts';
import { type ApiClient, connectTo } from '../../testing/workload-client.ts';

/** An address of this host that is not loopback: there, a block keeps out everybody without a certificate. */
const ADDRESS = Object.values(networkInterfaces())
  .flatMap((all) => all ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

describe('callers that keep guessing', { skip: ADDRESS === undefined && 'this host has loopback alone' }, () => {
  const planes = new TestPlanes();
  let plane: ControlPlane;
  let client: ApiClient;

  before(async () => {
    await planes.open();
    plane = await planes.start({
      host: ADDRESS ?? '',
      clock: new ManualClock(),
      consul: { httpsPort: 0 },
    });
    client = connectTo(plane, { token: 'guess' });
  });
  after(async () => {
    client.close();
    await planes.close();
  });

  function ask(
    path: string,
    token: string,
  ): Promise<readonly [status: number, headers: Readonly<Record<string, unknown>>]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly [number, Readonly<Record<string, unknown>>]>();
    const call = request(
      `${plane.addresses.consulTls ?? ''}${path}`,
      { ca: readFileSync(plane.caFile), agent: false, headers: { 'x-consul-token': token } },
      (response) => {
        response.resume();
        resolve([response.statusCode ?? 0, response.headers]);
      },
    );
    call.on('error', reject);
    call.end();
    return promise;
  }

  it('at one door are blocked at all of them, and told when to come again', async () => {
    const statuses: number[] = [];
    for (let count = 0; count < 100; count += 1) statuses.push((await ask('/v1/catalog/services', 'guess'))[0]);
    assert.deepEqual([statuses.indexOf(429), statuses[0]], [20, 401]);
    const limit = '"authentication-failures"';
    for (const path of ['/v1/catalog/services', '/v1/status/leader']) {
      const [status, headers] = await ask(path, readFileSync(plane.adminTokenFile, 'utf8').trim());
      assert.deepEqual(
        [status, headers['retry-after'], headers['ratelimit-policy'], headers['ratelimit']],
        [429, '300', `${limit};q=100;w=60`, `${limit};r=0;t=300`],
        path,
      );
    }
    await assert.rejects(client.registry.find({ service: 'web', namespace: 'default' }), (error) => {
      assert.ok(error instanceof ConnectError);
      assert.deepEqual(
        [error.code, error.metadata.get('retry-after'), error.metadata.get('ratelimit')],
        [Code.ResourceExhausted, '300', `${limit};r=0;t=300`],
      );
      return true;
    });
  });
});
