import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
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
  readonly headers?: Readonly<Record<string, string>>;
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

  function call(method: string, content: object, options: CurlOptions = {}): Promise<Answer> {
    return send(method, JSON.stringify(content), { headers: { 'content-type': 'application/json' }, ...options });
  }

  async function send(method: string, content: string | Uint8Array, options: CurlOptions): Promise<Answer> {
    const text = await exchange(method, content, options);
    const [head = '', ...rest] = text.split('\r\n\r\n');
    return {
      status: Number(/^HTTP\/[\d.]+ (\d+)/.exec(head)?.[1]),
      code: /^rampart-code: (.*)$/im.exec(head)?.[1]?.trim(),
      body: JSON.parse(rest.join('\r\n\r\n')) as Record<string, unknown>,
    };
  }

  async function exchange(method: string, content: string | Uint8Array, options: CurlOptions): Promise<string> {
    const token = options.token ?? readFileSync(plane.adminTokenFile, 'utf8').trim();
    const message = join(planes.dataDirectory, 'message');
    await writeFile(message, content);
    const headers = { authorization: `Bearer ${token}`, expect: '', ...options.headers };
    const { stdout } = await run('curl', [
      ...['--silent', '--show-error', '--include', '--cacert', plane.caFile],
      ...Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`]),
      ...['--data-binary', `@${message}`, ...(options.arguments ?? [])],
      `${plane.addresses.api}/rampart.v1.${method}`,
    ]);
    return stdout;
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

  interface Malformed {
    readonly call: string;
    readonly type?: string;
    readonly encoding?: string;
    readonly content: string | Uint8Array;
    readonly status: number;
    readonly code: string;
    readonly says: RegExp;
  }

  const MALFORMED: readonly Malformed[] = [
    {
      call: 'protobuf that is none',
      type: 'application/proto',
      content: Uint8Array.of(255, 255, 255, 255),
      status: 400,
      code: 'INVALID_ARGUMENT',
      says: /^the message is not the protobuf that this method takes: /,
    },
    {
      call: 'half of JSON',
      content: '{"document":',
      status: 400,
      code: 'INVALID_ARGUMENT',
      says: /ApplyRequest from JSON/,
    },
    {
      call: 'a field of another type',
      content: '{"document":5}',
      status: 400,
      code: 'INVALID_ARGUMENT',
      says: /ApplyRequest\.document from JSON: expected string/,
    },
    {
      call: 'a field that is misspelt, lest it be done in earnest',
      content: JSON.stringify({ document: STRICT, dryrun: true }),
      status: 400,
      code: 'INVALID_ARGUMENT',
      says: /"dryrun" is unknown/,
    },
    {
      call: 'more than the API takes',
      content: JSON.stringify({ document: 'x'.repeat(5 * 1024 * 1024) }),
      status: 429,
      code: 'DOCUMENT_TOO_LARGE',
      says: /^the message is larger than the 4194304 bytes that this method takes$/,
    },
    {
      call: 'more than the API takes, made small',
      encoding: 'gzip',
      content: gzipSync(Buffer.alloc(64 * 1024 * 1024)),
      status: 429,
      code: 'DOCUMENT_TOO_LARGE',
      says: /^the message is larger than the 4194304 bytes that this method takes$/,
    },
    {
      call: 'what is not compressed as it says',
      encoding: 'gzip',
      content: '{}',
      status: 400,
      code: 'INVALID_ARGUMENT',
      says: /not compressed in the way that its headers say/,
    },
    {
      call: 'a compression that is not known here',
      encoding: 'br',
      content: '{}',
      status: 501,
      code: 'INVALID_ARGUMENT',
      says: /supported encodings are gzip/,
    },
    {
      call: 'another type of content',
      type: 'application/xml',
      content: '<a/>',
      status: 415,
      code: 'INVALID_ARGUMENT',
      says: /send application\/json or application\/proto/,
    },
  ];
  for (const { call: what, type = 'application/json', encoding, content, status, code, says } of MALFORMED) {
    it(`is told what is wrong with ${what}`, async () => {
      const headers = { 'content-type': type, ...(encoding === undefined ? {} : { 'content-encoding': encoding }) };
      const answer = await send('AdminService/Apply', content, { headers });
      assert.deepEqual([answer.status, answer.code], [status, code]);
      assert.match(String(answer.body['message']), says);
      assert.deepEqual((await call('AdminService/GetResources', {})).body['resources'] ?? [], []);
    });
  }

  it('is told the same over gRPC, where the answer is in the trailers', async () => {
    const headers = { 'content-type': 'application/grpc' };
    const broken = Uint8Array.of(0, 0, 0, 0, 4, 255, 255, 255, 255);
    const large = Uint8Array.of(0, 255, 255, 255, 255, 0);
    for (const [content, status, code] of [
      [broken, 3, 'INVALID_ARGUMENT'],
      [large, 8, 'DOCUMENT_TOO_LARGE'],
    ] as const) {
      const text = await exchange('AdminService/Apply', content, { headers, arguments: ['--http2'] });
      assert.match(text, new RegExp(`^grpc-status: ${status}\r$`, 'm'));
      assert.match(text, new RegExp(`^rampart-code: ${code}\r$`, 'm'));
      assert.match(text, /^grpc-message: the message is [^%]*: [^%]*\r$/m);
    }
  });

  it('is on the record when it asks for an identity with what cannot be read', async () => {
    const answer = await call('IdentityService/Attest', { csr: 'A'.repeat(90_000) });
    assert.deepEqual([answer.status, answer.code], [429, 'DOCUMENT_TOO_LARGE']);
    const { body } = await call('AdminService/QueryAudit', { eventType: 'ACCESS_DENIED' });
    assert.match(JSON.stringify(body['records']), /IdentityService\/Attest.*larger than the 65536 bytes/);
    await call('AdminService/Apply', { document: 7 });
    assert.deepEqual((await call('AdminService/QueryAudit', { eventType: 'ACCESS_DENIED' })).body, body);
  });

  it('is told that calls are sent by POST', async () => {
    const answer = await call('AdminService/GetStatus', {}, { arguments: ['--request', 'DELETE'] });
    assert.deepEqual([answer.status, answer.code], [405, 'INVALID_ARGUMENT']);
  });

  it('must speak TLS 1.3', async () => {
    await assert.rejects(call('AdminService/GetStatus', {}, { arguments: ['--tls-max', '1.2'] }));
  });

  it('slows down who keeps guessing', async () => {
    const statuses: number[] = [];
    // One failure is forgiven each second: a slow machine needs more of them.
    for (let attempt = 0; attempt < 100 && statuses.at(-1) !== 429; attempt += 1) {
      statuses.push((await call('AdminService/GetStatus', {}, { token: `guess-${attempt}` })).status);
    }
    assert.equal(statuses[0], 401);
    assert.equal(statuses.at(-1), 429);
    assert.equal((await call('AdminService/GetStatus', {})).status, 200);
  });
});
