import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { ControlPlane } from '../control-plane.ts';
import { TestPlanes } from '../testing/test-plane.ts';

const run = promisify(execFile);
const missing = spawnSync('curl', ['--version']).error !== undefined;

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly body: Record<string, unknown>;
}

interface CurlOptions {
  readonly token?: string;
  readonly arguments?: readonly string[];
}

const STRICT = JSON.stringify({
  apiVersion: 'security.istio.io/v1',
  kind: 'PeerAuthentication',
  metadata: { name: 'default', namespace: 'istio-system' },
  spec: { mtls: { mode: 'STRICT' } },
});

describe('plain curl with JSON', { skip: missing ? 'curl is not installed' : false }, () => {
  const planes = new TestPlanes();
  let plane: ControlPlane;

  beforeEach(async () => {
    await planes.open();
    plane = await planes.start();
  });

  afterEach(() => planes.close());

  async function call(method: string, content: object, options: CurlOptions = {}): Promise<Answer> {
    const token = options.token ?? readFileSync(plane.adminTokenFile, 'utf8').trim();
    const message = join(planes.dataDirectory, 'message.json');
    await writeFile(message, JSON.stringify(content));
    const { stdout } = await run('curl', [
      ...['--silent', '--show-error', '--include', '--cacert', plane.caFile],
      ...['--header', 'content-type: application/json', '--header', `authorization: Bearer ${token}`],
      ...['--header', 'expect:', '--data-binary', `@${message}`, ...(options.arguments ?? [])],
      `${plane.addresses.api}/rampart.v1.${method}`,
    ]);
    const [head = '', ...rest] = stdout.split('\r\n\r\n');
    return {
      status: Number(/^HTTP\/[\d.]+ (\d+)/.exec(head)?.[1]),
      code: /^rampart-code: (.*)$/im.exec(head)?.[1]?.trim(),
      body: JSON.parse(rest.join('\r\n\r\n')) as Record<string, unknown>,
    };
  }

  for (const version of ['--http1.1', '--http2']) {
    it(`applies, shows and deletes a resource (${version})`, async () => {
      const options = { arguments: [version] };
      const applied = await call('AdminService/Apply', { document: STRICT, file: 'strict.json' }, options);
      assert.equal(applied.status, 200);
      assert.deepEqual(applied.body['resources'], [
        { kind: 'PeerAuthentication', namespace: 'istio-system', name: 'default', outcome: 'created' },
      ]);
      const again = await call('AdminService/Apply', { document: STRICT }, options);
      assert.equal((again.body['resources'] as { outcome: string }[])[0]?.outcome, 'unchanged');
      const shown = await call('AdminService/GetResources', { kind: 'PeerAuthentication' }, options);
      assert.equal((shown.body['resources'] as unknown[]).length, 1);
      const deleted = await call(
        'AdminService/DeleteResource',
        { kind: 'PeerAuthentication', namespace: 'istio-system', name: 'default' },
        options,
      );
      assert.equal(deleted.body['deleted'], true);
    });
  }

  for (const [what, token, code] of [
    ['a wrong token', 'rampart-admin-wrong', 'UNAUTHENTICATED'],
    ['no token', '', 'UNAUTHENTICATED'],
  ] as const) {
    it(`is refused with ${what}, by code`, async () => {
      const answer = await call('AdminService/GetStatus', {}, { token });
      assert.equal(answer.status, 401);
      assert.equal(answer.code, code);
      assert.equal(answer.body['code'], 'unauthenticated');
    });
  }

  it('cannot call what is for workloads, whatever the token', async () => {
    const answer = await call('IdentityService/Renew', { csr: '' });
    assert.equal(answer.status, 401);
    assert.equal(answer.code, 'UNAUTHENTICATED');
  });

  it('is told that a join token is not valid', async () => {
    const answer = await call('IdentityService/Attest', { joinToken: 'nonsense', csr: '' }, { token: '' });
    assert.ok(answer.code === 'INVALID_JOIN_TOKEN' || answer.code === 'INVALID_CSR', answer.code);
  });

  it('is told what does not exist', async () => {
    assert.equal((await call('AdminService/Shutdown', {})).status, 404);
  });

  it('cannot send more than the API takes', async () => {
    const answer = await call('AdminService/Apply', { document: 'x'.repeat(5 * 1024 * 1024) });
    assert.equal(answer.status, 429);
    assert.equal(answer.body['code'], 'resource_exhausted');
  });

  it('must speak TLS 1.3', async () => {
    await assert.rejects(call('AdminService/GetStatus', {}, { arguments: ['--tls-max', '1.2'] }));
  });

  it('slows down who keeps guessing', async () => {
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 25; attempt += 1) {
      statuses.push((await call('AdminService/GetStatus', {}, { token: `guess-${attempt}` })).status);
    }
    assert.equal(statuses[0], 401);
    assert.equal(statuses.at(-1), 429);
    assert.equal((await call('AdminService/GetStatus', {})).status, 200);
  });
});
