import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, sign } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { ConnectError } from '@connectrpc/connect';
import { TrustDomain } from '@rampart/core';
import {
  buildCertificate,
  fromPem,
  parseCertificate,
  parseCsr,
  randomSerial,
  toPem,
  verifyChain,
} from '@rampart/spiffe';
import type { CertificateTemplate } from '@rampart/spiffe';
import { foreignAuthority, startHttpsServer, TestCa, TransitServer } from '@rampart/testkit';
import type { ForeignCertificate, TestHttpsServer } from '@rampart/testkit';
import type { ControlPlane } from '../control-plane.ts';
import { createOfflineRoot, openOfflineRoot } from '../offline-root/offline-root.ts';
import { signWithOfflineRoot } from '../offline-root/sign.ts';
import { TestPlanes } from '../testing/test-plane.ts';
import { attest, connectAsAdmin } from '../testing/workload-client.ts';

const PASSPHRASE = 'correct horse battery staple';
const WORKLOAD = { namespace: 'default', serviceAccount: 'orders', service: 'orders-api' };
const DAY = 24 * 3600 * 1000;

const planes = new TestPlanes();
let scratch = '';
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'rampart-upstream-'));
});
after(() => rm(scratch, { recursive: true }));
beforeEach(() => planes.open());
afterEach(() => planes.close());

/** Joins a workload and judges its certificate by the CA file, as anybody would. */
async function assertIssues(plane: ControlPlane, root?: Uint8Array): Promise<void> {
  const { response } = await attest(plane, WORKLOAD);
  const roots = fromPem(await readFile(plane.caFile, 'utf8'));
  assert.ok(verifyChain(response.chain, roots, Date.now()).ok);
  if (root !== undefined) assert.ok(verifyChain(response.chain, [root], Date.now()).ok, 'by the expected root');
}

async function offlineRoot(trustDomain = 'cluster.local'): Promise<{ directory: string; der: Uint8Array }> {
  const directory = join(await mkdtemp(join(scratch, 'root-')), 'vault');
  const now = Date.now();
  const { der } = await createOfflineRoot({ directory, passphrase: PASSPHRASE, trustDomain, lifeMs: 100 * DAY, now });
  return { directory, der };
}

describe('an offline root', () => {
  it('keeps its key encrypted, and files to their owner', async () => {
    const { directory } = await offlineRoot();
    const key = await readFile(join(directory, 'root.key'));
    assert.ok(!key.includes('PRIVATE') && !key.includes(Buffer.from('2a8648ce3d030107', 'hex')));
    assert.equal((await stat(directory)).mode & 0o777, 0o700);
    assert.equal((await stat(join(directory, 'root.key'))).mode & 0o777, 0o600);
  });

  it('opens with its passphrase only', async () => {
    const { directory } = await offlineRoot();
    await assert.rejects(openOfflineRoot(directory, 'something else entirely'), { code: 'KEY_UNREADABLE' });
    await rm(join(directory, 'root.kdf'));
    await assert.rejects(openOfflineRoot(directory, PASSPHRASE), {
      code: 'KEY_UNREADABLE',
      message: /root\.kdf is missing/,
    });
  });

  it('signs nothing that lives longer than itself, and nothing before or after its own life', async () => {
    const { directory } = await offlineRoot();
    const root = await openOfflineRoot(directory, PASSPHRASE);
    const plane = await planes.start();
    const admin = connectAsAdmin(plane);
    const { csr } = await admin.admin.requestAuthority({});
    admin.close();
    const { chain } = await signWithOfflineRoot(root, { csr, lifeMs: 900 * DAY, now: Date.now() });
    const parsed = parseCertificate(chain[0]);
    assert.ok(parsed.ok && parsed.value.notAfter === root.certificate.notAfter && parsed.value.pathLength === 0);
    for (const now of [Date.now() - DAY, Date.now() + 101 * DAY]) {
      await assert.rejects(signWithOfflineRoot(root, { csr, lifeMs: DAY, now }), { code: 'INVALID_ARGUMENT' });
    }
    const broken = new Uint8Array(csr);
    broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1;
    await assert.rejects(signWithOfflineRoot(root, { csr: broken, lifeMs: DAY, now: Date.now() }), {
      code: 'INVALID_CSR',
    });
  });
});

describe('a control plane whose intermediates are signed', () => {
  it('by a root on a disk of its own has no root key in its data directory', async () => {
    const { directory, der } = await offlineRoot();
    const upstream = { kind: 'root', directory, passphrase: PASSPHRASE } as const;
    const plane = await planes.start({ upstream });
    await assertIssues(plane, der);
    const admin = connectAsAdmin(plane);
    const { authorities } = await admin.admin.listAuthorities({});
    admin.close();
    assert.deepEqual(
      authorities.map(({ kind, state }) => `${kind} ${state}`),
      ['root active', 'intermediate active'],
    );
    await plane.stop();
    await assertIssues(await planes.start({ upstream }), der);
  });

  it('by a root on a disk goes on without it until the next intermediate is due', async () => {
    const { directory, der } = await offlineRoot();
    const plane = await planes.start({ upstream: { kind: 'root', directory, passphrase: PASSPHRASE } });
    await plane.stop();
    const away = await planes.start();
    await assertIssues(away, der);
    const admin = connectAsAdmin(away);
    await assert.rejects(admin.admin.prepareAuthority({ kind: 'intermediate' }), /kept elsewhere/);
    admin.close();
  });

  it('by a root of another trust domain does not start', async () => {
    const { directory } = await offlineRoot('example.org');
    const upstream = { kind: 'root', directory, passphrase: PASSPHRASE } as const;
    await assert.rejects(planes.start({ upstream }), {
      code: 'INVALID_ARGUMENT',
      message: /trust domain example\.org/,
    });
  });

  it('by hand says what to do, and starts once that is done', async () => {
    const { directory, der } = await offlineRoot();
    const upstream = { kind: 'by-hand' } as const;
    const data = planes.dataDirectory;
    for (let round = 0; round < 2; round += 1) {
      await assert.rejects(planes.start({ upstream }), {
        code: 'IDENTITY_NOT_READY',
        message: /ca-request\.csr signed/,
      });
    }
    const [csr] = fromPem(await readFile(join(data, 'ca-request.csr'), 'utf8'), 'CERTIFICATE REQUEST');
    assert.ok(csr);
    const root = await openOfflineRoot(directory, PASSPHRASE);
    const { chain } = await signWithOfflineRoot(root, { csr, lifeMs: 50 * DAY, now: Date.now() });
    await writeFile(join(data, 'ca-chain.pem'), chain.map((each) => toPem(each)).join(''));
    const plane = await planes.start({ upstream });
    await assertIssues(plane, der);
    await plane.stop();
    await assertIssues(await planes.start({ upstream }), der);
  });
});

describe('a chain that OpenSSL signed', () => {
  /** What a company's own authority makes of a request. */
  async function signed(csr: Uint8Array, root: ForeignCertificate, constraints: string): Promise<Uint8Array[]> {
    const directory = await mkdtemp(join(scratch, 'openssl-'));
    const extensions = [`basicConstraints=critical,CA:TRUE${constraints}`, 'keyUsage=critical,keyCertSign,cRLSign'];
    const files = { 'ca.crt': root.certPem, 'ca.key': root.keyPem, 'own.ext': extensions.join('\n') };
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
    await writeFile(join(directory, 'own.csr'), toPem(csr, 'CERTIFICATE REQUEST'));
    const words = 'x509 -req -in own.csr -CA ca.crt -CAkey ca.key -days 50 -extfile own.ext -sha256';
    const pem = execFileSync('openssl', words.split(' '), { cwd: directory, stdio: 'pipe' }).toString();
    return [...fromPem(pem), root.der];
  }

  const keys = ['p256', 'p384', 'rsa-2048'] as const;
  it(`is taken whatever key its root has (${keys.join(', ')}), if it ends with this authority`, async () => {
    const plane = await planes.start();
    const { admin, close } = connectAsAdmin(plane);
    for (const key of keys) {
      const root = foreignAuthority({ key, name: `Foreign ${key}` });
      const { csr } = await admin.requestAuthority({});
      const chain = await signed(csr, root, '');
      await assert.rejects(admin.installAuthority({ chain }), /may sign further authorities; .*path length of 0/);
      const { authority } = await admin.installAuthority({ chain: await signed(csr, root, ',pathlen:0') });
      await admin.activateAuthority({ kind: 'intermediate', serial: authority?.serial ?? '', now: true });
      await assertIssues(plane, root.der);
    }
    close();
  });
});

/** How an external CA misbehaves. */
type Fault =
  | 'none'
  | 'refuses'
  | 'gives another key'
  | 'gives a leaf'
  | 'gives another trust domain'
  | 'signs with a stranger'
  | 'gives an ended one'
  | 'gives text';

class ExternalCa {
  fault: Fault = 'none';
  requests = 0;
  readonly #ca: TestCa;
  readonly #stranger: TestCa;
  #server: TestHttpsServer | undefined;

  private constructor(ca: TestCa, stranger: TestCa) {
    this.#ca = ca;
    this.#stranger = stranger;
  }

  static async start(): Promise<ExternalCa> {
    const now = Date.now();
    const ca = new ExternalCa(await TestCa.create('cluster.local', now), await TestCa.create('cluster.local', now));
    ca.#server = await startHttpsServer(now, (request, response) => void ca.#serve(request, response));
    return ca;
  }

  get options(): { kind: 'external'; url: string; tlsRoots: string; roots: string } {
    const { url = '', ca: tlsRoots = '' } = this.#server ?? {};
    return { kind: 'external', url: `${url}/sign`, tlsRoots, roots: this.#ca.rootPem };
  }

  get rootDer(): Uint8Array {
    return this.#ca.rootDer;
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests += 1;
    let text = '';
    for await (const chunk of request as AsyncIterable<Buffer>) text += chunk.toString();
    if (this.fault === 'refuses') return void response.writeHead(403).end('no');
    if (this.fault === 'gives text') return void response.end('welcome');
    const [csr] = fromPem(text, 'CERTIFICATE REQUEST');
    const parsed = parseCsr(csr ?? new Uint8Array());
    if (!parsed.ok || request.headers['content-type'] !== 'application/x-pem-file')
      return void response.writeHead(400).end();
    response.end(toPem(await this.#sign(parsed.value.publicKeyDer)));
  }

  async #sign(publicKeyDer: Uint8Array): Promise<Uint8Array> {
    const now = Date.now();
    if (this.fault === 'gives a leaf') return (await this.#ca.issue(now, WORKLOAD)).der;
    const ca = this.fault === 'signs with a stranger' ? this.#stranger : this.#ca;
    const issuer = parseCertificate(ca.rootDer);
    assert.ok(issuer.ok);
    const key = this.fault === 'gives another key' ? spkiOf(await TestCa.create('x.test', now)) : publicKeyDer;
    const isForeign = this.fault === 'gives another trust domain';
    // The builder refuses to sign for another trust domain below this root: one that names none may.
    const template: CertificateTemplate = {
      kind: 'intermediate',
      serial: randomSerial(),
      publicKeyDer: key,
      issuer: isForeign ? { ...issuer.value, uriSans: [] } : issuer.value,
      trustDomain: TrustDomain.of(isForeign ? 'example.org' : 'cluster.local'),
      commonName: `signed for ${createHash('sha256').update(key).digest('hex').slice(0, 8)}`,
      notBefore: now - 3_600_000,
      notAfter: this.fault === 'gives an ended one' ? now - 1000 : now + 9 * DAY,
    };
    const { der } = await buildCertificate(
      template,
      (tbs) => new Uint8Array(sign('sha256', tbs, ca.rootKey.privateKey)),
    );
    return der;
  }
}

function spkiOf({ rootKey }: TestCa): Uint8Array {
  return new Uint8Array(rootKey.publicKey.export({ type: 'spki', format: 'der' }));
}

describe('an external CA', () => {
  let ca: ExternalCa;
  before(async () => {
    ca = await ExternalCa.start();
  });
  after(() => ca.close());
  beforeEach(() => {
    ca.fault = 'none';
  });

  it('signs the first intermediate and every next one; the key stays here', async () => {
    const plane = await planes.start({ upstream: ca.options });
    await assertIssues(plane, ca.rootDer);
    const admin = connectAsAdmin(plane);
    await admin.admin.prepareAuthority({ kind: 'intermediate' });
    const { authority } = await admin.admin.activateAuthority({ kind: 'intermediate' });
    admin.close();
    assert.equal(authority?.state, 'active');
    await assertIssues(plane, ca.rootDer);
  });

  const faults: readonly (readonly [fault: Fault, code: string, message: RegExp])[] = [
    ['refuses', 'UPSTREAM_UNREACHABLE', /answered 403/],
    ['gives text', 'INVALID_CERTIFICATE', /without a PEM certificate/],
    ['gives another key', 'INVALID_CERTIFICATE', /for another key/],
    ['gives a leaf', 'INVALID_CERTIFICATE', /is not a CA/],
    ['gives another trust domain', 'INVALID_CERTIFICATE', /trust domain example\.org/],
    ['signs with a stranger', 'INVALID_CERTIFICATE', /does not lead to a root/],
    ['gives an ended one', 'INVALID_CERTIFICATE', /expired/],
  ];
  for (const [fault, code, message] of faults) {
    it(`that ${fault} is not believed, and nothing of it is kept`, async () => {
      const plane = await planes.start({ upstream: ca.options });
      const admin = connectAsAdmin(plane);
      const before = await admin.admin.listAuthorities({});
      ca.fault = fault;
      await assert.rejects(admin.admin.prepareAuthority({ kind: 'intermediate' }), (error: Error) => {
        assert.match(error.message, message);
        assert.equal(ConnectError.from(error).metadata.get('rampart-code'), code);
        return true;
      });
      const after = await admin.admin.listAuthorities({});
      admin.close();
      assert.equal(after.authorities.length, before.authorities.length);
      await assertIssues(plane, ca.rootDer);
    });
  }

  it('whose certificate is not of the pinned CA is not asked', async () => {
    const asked = ca.requests;
    const tlsRoots = (await TestCa.create('other.test', Date.now())).rootPem;
    await assert.rejects(planes.start({ upstream: { ...ca.options, tlsRoots } }), { code: 'UPSTREAM_UNREACHABLE' });
    assert.equal(ca.requests, asked);
  });

  it('is at an https URL', async () => {
    const upstream = { ...ca.options, url: 'http://127.0.0.1/sign' };
    await assert.rejects(planes.start({ upstream }), { code: 'INVALID_ARGUMENT' });
  });
});

describe('the keys of a control plane', () => {
  it('may all be in an external service', async () => {
    const service = await TransitServer.start(Date.now());
    const tokenFile = join(scratch, 'transit-token');
    await writeFile(tokenFile, service.token, { mode: 0o600 });
    const keyService = { url: service.url, ca: service.ca, tokenFile };
    try {
      const plane = await planes.start({ keyService });
      await assertIssues(plane);
      await plane.stop();
      const kept = (await readdir(join(planes.dataDirectory, 'keys'))).filter((name) =>
        /^(root|intermediate)-/.test(name),
      );
      assert.deepEqual(kept, []);
      await assertIssues(await planes.start({ keyService }));
      service.mood = 'sealed';
      await assert.rejects(attest(planes.latest, WORKLOAD), /sealed/);
      service.mood = 'well';
      await assertIssues(planes.latest);
    } finally {
      await planes.close();
      await service.close();
    }
  });

  it('may be under a passphrase, and no other opens them', async () => {
    const plane = await planes.start({ keyPassphrase: PASSPHRASE });
    await assertIssues(plane);
    await plane.stop();
    await assert.rejects(planes.start({ keyPassphrase: 'something else entirely' }), { code: 'KEY_UNREADABLE' });
    const keys = await readdir(join(plane.dataDirectory, 'keys'));
    await assert.rejects(planes.start(), /are under a passphrase/);
    assert.deepEqual(await readdir(join(plane.dataDirectory, 'keys')), keys, 'nothing is made by mistake');
    await assertIssues(await planes.start({ keyPassphrase: PASSPHRASE }));
  });
});

describe('the lives of certificates', () => {
  it('of the profile "observatory" are 90 days, renewed at 67.5, and warned about', async () => {
    const warned: string[] = [];
    const plane = await planes.start({ lifetimes: { profile: 'observatory' } });
    const { response } = await attest(plane, WORKLOAD);
    const [notBefore, notAfter, renewAt] = [response.notBefore, response.notAfter, response.renewAt].map(Number);
    assert.ok(notBefore !== undefined && notAfter !== undefined && renewAt !== undefined);
    assert.equal(Math.round((notAfter - notBefore) / DAY), 90);
    assert.equal(Math.round(((renewAt - notBefore) / DAY) * 10) / 10, 67.5);
    const admin = connectAsAdmin(plane);
    warned.push(...(await admin.admin.listAuthorities({})).warnings);
    const spec = { spiffeId: 'spiffe://cluster.local/tv', selectors: ['unix:uid:1'], x509SvidTtl: '2160h' };
    const entry = {
      apiVersion: 'rampart.dev/v1',
      kind: 'RegistrationEntry',
      metadata: { name: 'tv', namespace: 'istio-system' },
      spec,
    };
    const { problems } = await admin.admin.apply({ document: JSON.stringify(entry) });
    admin.close();
    assert.deepEqual(
      problems.map(({ severity, message }) => [severity, /more than 7 days/.test(message)]),
      [['warning', true]],
    );
    assert.ok(warned.some((warning) => /live 90 days, more than 7/.test(warning)));
  });

  it('of the profile "mesh" leave the time of renewal to the workload', async () => {
    const plane = await planes.start();
    const { response } = await attest(plane, WORKLOAD);
    assert.equal(response.renewAt, 0n);
  });
});
