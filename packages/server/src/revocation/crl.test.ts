import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { parseCertificate, parseCrl, type ParsedCrl, toPem } from '@rampart/spiffe';
import type { ControlPlane } from '../control-plane.ts';
import { TestPlanes, until } from '../testing/test-plane.ts';
import { type ApiClient, attest, type AttestedWorkload, connectAsAdmin } from '../testing/workload-client.ts';

const run = promisify(execFile);
const CRL_URL = 'http://crl.example.org/mesh';

interface Fetched {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Uint8Array;
}

function serialOf(der: Uint8Array | undefined): string {
  const parsed = parseCertificate(der ?? new Uint8Array());
  assert.ok(parsed.ok);
  return parsed.value.serial;
}

const skip = spawnSync('openssl', ['version']).status === 0 ? false : 'there is no openssl here';

describe('revocation lists', { skip }, () => {
  const planes = new TestPlanes();
  let plane: ControlPlane;
  let admin: ApiClient;
  let folder: string;

  beforeEach(async () => {
    await planes.open();
    plane = await planes.start({ crlUrl: CRL_URL });
    admin = connectAsAdmin(plane);
    folder = await mkdtemp(join(tmpdir(), 'rampart-crl-'));
  });

  afterEach(async () => {
    admin.close();
    await planes.close();
    await rm(folder, { recursive: true });
  });

  async function fetchCrl(issuer: string): Promise<Fetched> {
    const ca = await readFile(plane.caFile);
    return new Promise((resolve, reject) => {
      request(`${plane.addresses.api}/crl/${issuer}.crl`, { ca, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }),
        );
      })
        .on('error', reject)
        .end();
    });
  }

  async function crlOf(issuer: string): Promise<ParsedCrl> {
    const parsed = parseCrl((await fetchCrl(issuer)).body);
    assert.ok(parsed.ok);
    return parsed.value;
  }

  function issuerOf({ response }: AttestedWorkload): string {
    return serialOf(response.chain[1]);
  }

  /** What openssl says about a certificate, with the list of its issuer at hand. */
  async function judge({ response }: AttestedWorkload): Promise<string> {
    const [leaf = new Uint8Array(), intermediate = new Uint8Array()] = response.chain;
    const { body } = await fetchCrl(serialOf(intermediate));
    await writeFile(join(folder, 'leaf.pem'), toPem(leaf));
    await writeFile(join(folder, 'intermediate.pem'), toPem(intermediate));
    await writeFile(join(folder, 'list.der'), body);
    await run('openssl', ['crl', '-inform', 'DER', '-in', join(folder, 'list.der'), '-out', join(folder, 'list.pem')]);
    const files = ['-CAfile', plane.caFile, '-untrusted', join(folder, 'intermediate.pem')];
    const list = ['-crl_check', '-CRLfile', join(folder, 'list.pem')];
    return run('openssl', ['verify', ...files, ...list, join(folder, 'leaf.pem')]).then(
      ({ stdout }) => stdout,
      (error: { readonly stderr: string; readonly stdout: string }) => error.stdout + error.stderr,
    );
  }

  it('have openssl refuse what is revoked by serial or by rule, and nothing else', async () => {
    const byRule = await attest(plane, { namespace: 'shop', serviceAccount: 'stolen' });
    const bySerial = await attest(plane, { namespace: 'default', serviceAccount: 'lost' });
    const good = await attest(plane, { namespace: 'default', serviceAccount: 'orders' });
    const issuer = issuerOf(good);
    assert.match(await judge(byRule), /leaf\.pem: OK/);
    const { number, revoked } = await crlOf(issuer);
    assert.deepEqual(revoked, []);
    await admin.revocation.revoke({ spiffeId: 'spiffe://cluster.local/ns/shop/sa/stolen', reason: 'keyCompromise' });
    await admin.revocation.revoke({ serials: [serialOf(bySerial.response.chain[0])], reason: 'superseded' });
    await until('the new list', async () => (await crlOf(issuer)).revoked.length === 2);
    assert.match(await judge(byRule), /certificate revoked/);
    assert.match(await judge(bySerial), /certificate revoked/);
    assert.match(await judge(good), /leaf\.pem: OK/);
    const next = await crlOf(issuer);
    assert.ok(next.number > number);
    assert.ok(next.nextUpdate - next.thisUpdate <= 3_620_000);
    assert.deepEqual(new Set(next.revoked.map(({ reason }) => reason)), new Set(['keyCompromise', 'superseded']));
  });

  it('go on with greater numbers, and with what they held, after a restart', async () => {
    const lost = await attest(plane, { namespace: 'default', serviceAccount: 'lost' });
    await admin.revocation.revoke({ serials: [serialOf(lost.response.chain[0])] });
    const before = await crlOf(issuerOf(lost));
    admin.close();
    await plane.stop();
    plane = await planes.start();
    admin = connectAsAdmin(plane);
    const after = await crlOf(issuerOf(lost));
    assert.ok(after.number > before.number);
    assert.match(await judge(lost), /certificate revoked/);
  });

  it('are there for anybody, may be kept for a minute, and are named in certificates only where a URL is configured', async () => {
    const orders = await attest(plane, { namespace: 'default', serviceAccount: 'orders' });
    const issuer = issuerOf(orders);
    const { status, headers } = await fetchCrl(issuer);
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'application/pkix-crl');
    assert.equal(headers['cache-control'], 'public, max-age=60');
    assert.equal((await fetchCrl('00')).status, 404);
    await writeFile(join(folder, 'leaf.pem'), orders.credentials.certificate);
    const text = async (): Promise<string> =>
      (await run('openssl', ['x509', '-in', join(folder, 'leaf.pem'), '-noout', '-text'])).stdout;
    assert.match(await text(), new RegExp(`CRL Distribution Points:[^]*URI:${CRL_URL}/crl/${issuer}\\.crl`));
    admin.close();
    await plane.stop();
    plane = await planes.start();
    admin = connectAsAdmin(plane);
    const plain = await attest(plane, { namespace: 'default', serviceAccount: 'orders' });
    await writeFile(join(folder, 'leaf.pem'), plain.credentials.certificate);
    assert.doesNotMatch(await text(), /CRL Distribution/);
  });
});
