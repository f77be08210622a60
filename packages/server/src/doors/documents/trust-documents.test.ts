import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { TrustDomain } from '@rampart/core';
import { fromPem, parseBundleJson, type TrustBundle } from '@rampart/spiffe';
import type { ControlPlane } from '../../control-plane.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import { TestPlanes, until } from '../../testing/test-plane.ts';

const HOUR = 3_600_000;

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** As a stranger would: HTTP/1.1, no certificate, no token. */
function get(plane: ControlPlane, path: string, method = 'GET'): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const call = request(
    `${plane.addresses.api}${path}`,
    { ca: readFileSync(plane.caFile), method, agent: false },
    (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    },
  );
  call.on('error', reject);
  call.end();
  return promise;
}

describe('public documents', () => {
  const planes = new TestPlanes();
  beforeEach(() => planes.open());
  afterEach(() => planes.close());

  const bundleOf = async (plane: ControlPlane): Promise<TrustBundle> => {
    const { body } = await get(plane, '/bundle');
    const parsed = parseBundleJson(TrustDomain.of('cluster.local'), body);
    assert.ok(parsed.ok, parsed.ok ? '' : parsed.problem);
    return parsed.value;
  };

  it('/bundle is the SPIFFE bundle, with roots, keys, sequence and refresh hint', async () => {
    const plane = await planes.start();
    const answer = await get(plane, '/bundle');
    assert.deepEqual([answer.status, answer.headers['content-type']], [200, 'application/json']);
    assert.equal(answer.headers['cache-control'], 'public, max-age=60');
    const bundle = await bundleOf(plane);
    assert.deepEqual(bundle.roots.map(Buffer.from), fromPem(readFileSync(plane.caFile, 'utf8')).map(Buffer.from));
    assert.deepEqual([bundle.jwtAuthorities.length, bundle.refreshHintSeconds], [1, 300]);
    assert.ok(bundle.sequence > 0);
  });

  it('/bundle says the same after a restart', async () => {
    const plane = await planes.start();
    const before = await bundleOf(plane);
    await plane.stop();
    assert.deepEqual(await bundleOf(await planes.start()), before);
  });

  it('/bundle has the next key long before it signs, whether anybody asks for tokens or not', async () => {
    const clock = new ManualClock();
    const plane = await planes.start({ clock, jwt: { lifetimes: { keyMs: 12 * HOUR } } });
    const before = await bundleOf(plane);
    clock.advance(6.5 * HOUR);
    await until('the next key', async () => (await bundleOf(plane)).jwtAuthorities.length === 2);
    assert.ok((await bundleOf(plane)).sequence > before.sequence);
    clock.advance(6 * HOUR);
    await until('the end of the first', async () => {
      const keyIds = (await bundleOf(plane)).jwtAuthorities.map(({ keyId }) => keyId);
      return keyIds.length > 0 && !keyIds.includes(before.jwtAuthorities[0]?.keyId ?? '');
    });
  });

  it('/keys has the keys of JWT-SVIDs for OpenID Connect, and the discovery document leads to it', async () => {
    const plane = await planes.start({ jwt: { issuer: 'https://id.example.org' } });
    const keys = JSON.parse((await get(plane, '/keys')).body) as { keys: Record<string, unknown>[] };
    assert.deepEqual(
      keys.keys.map(({ use, alg, kty, kid }) => [use, alg, kty, typeof kid]),
      [['sig', 'ES256', 'EC', 'string']],
    );
    const discovery = JSON.parse((await get(plane, '/.well-known/openid-configuration')).body) as Record<
      string,
      unknown
    >;
    assert.equal(discovery['issuer'], 'https://id.example.org');
    assert.equal(discovery['jwks_uri'], 'https://id.example.org/keys');
    assert.deepEqual(discovery['id_token_signing_alg_values_supported'], ['ES256']);
  });

  it('keys and discovery document are found under the path of the issuer, too', async () => {
    const plane = await planes.start({ jwt: { issuer: 'https://id.example.org/mesh/one' } });
    for (const path of ['/mesh/one/.well-known/openid-configuration', '/.well-known/openid-configuration']) {
      const { status, body } = await get(plane, path);
      assert.equal(status, 200, path);
      assert.match(body, /"jwks_uri":"https:\/\/id\.example\.org\/mesh\/one\/keys"/);
    }
    for (const [path, status] of [
      ['/mesh/one/keys', 200],
      ['/mesh/onekeys', 404],
      ['/mesh/keys', 404],
    ] as const) {
      assert.equal((await get(plane, path)).status, status, path);
    }
  });

  it('keys and discovery document name RS256 where tokens are signed with it', async () => {
    const plane = await planes.start({ jwt: { issuer: 'https://id.example.org', algorithm: 'RS256' } });
    const { keys } = JSON.parse((await get(plane, '/keys')).body) as { keys: Record<string, unknown>[] };
    assert.deepEqual(
      keys.map(({ alg, kty, e }) => [alg, kty, e]),
      [['RS256', 'RSA', 'AQAB']],
    );
    const discovery = JSON.parse((await get(plane, '/.well-known/openid-configuration')).body) as Record<
      string,
      unknown
    >;
    assert.deepEqual(discovery['id_token_signing_alg_values_supported'], ['RS256']);
  });

  it('there is no discovery document without an issuer, and the answer says how to get one', async () => {
    const answer = await get(await planes.start(), '/.well-known/openid-configuration');
    assert.equal(answer.status, 404);
    assert.match(answer.body, /--jwt-issuer/);
  });

  it('HEAD has no body, and nothing else is taken', async () => {
    const plane = await planes.start();
    assert.deepEqual(await get(plane, '/bundle', 'HEAD').then(({ status, body }) => [status, body]), [200, '']);
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const answer = await get(plane, '/bundle', method);
      assert.deepEqual([answer.status, answer.headers['allow']], [405, 'GET, HEAD']);
    }
    assert.equal((await get(plane, '/bundle/more')).status, 404);
  });

  for (const issuer of [
    'http://id.example',
    'https://id.example/',
    'https://a@id.example',
    'https://id.example?x',
    'id',
  ]) {
    it(`an issuer cannot be ${issuer}`, async () => {
      await assert.rejects(planes.start({ jwt: { issuer } }), { code: 'INVALID_ARGUMENT' });
    });
  }
});
