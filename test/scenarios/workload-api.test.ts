import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';

import { bundleToJson, parseCrl, toPem } from '@rampart/spiffe';
import { TestCa, until } from '@rampart/testkit';

import { AgentProcess, registration } from '../harness/agent.ts';
import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { SECURITY_HEADER, WorkloadClient } from '../harness/workload-client.ts';
import type { Octets, WorkloadClientOptions, X509Answer } from '../harness/workload-client.ts';

const UID = process.getuid?.() ?? 0;
const STRANGER = 65_534;
const WEB = 'spiffe://cluster.local/ns/prod/sa/web';
const OWN_DOMAIN = 'spiffe://cluster.local';
const bytes = ({ base64 }: Octets): Buffer => Buffer.from(base64, 'base64');
const names = (answer: X509Answer): string[] => answer.svids.map(({ spiffe_id: id }) => id);
const CODE = { invalidArgument: 3, permissionDenied: 7, unimplemented: 12, unavailable: 14 } as const;

const notRoot = UID === 0 ? false : 'only root may start processes of other users';

interface JwtAnswer {
  readonly svids: readonly { readonly spiffe_id: string; readonly svid: string; readonly hint: string }[];
}

interface Judged {
  readonly spiffe_id: string;
  readonly claims: { readonly fields: Readonly<Record<string, { readonly stringValue?: string }>> };
}

interface BundlesAnswer {
  readonly bundles: Readonly<Record<string, Octets>>;
}

/** Lower-case hex. */
function serialsOn(list: Octets): readonly string[] {
  const parsed = parseCrl(bytes(list));
  return parsed.ok ? parsed.value.revoked.map(({ serial }) => serial) : [];
}

/** Nobody answers at the endpoint: the bundle is the one that is given here. */
function federated({ trustDomain, rootDer }: TestCa): string {
  return JSON.stringify({
    apiVersion: 'rampart.dev/v1',
    kind: 'FederatedTrustDomain',
    metadata: { name: 'partner', namespace: 'istio-system' },
    spec: {
      trustDomain: trustDomain.name,
      bundleEndpointUrl: 'https://127.0.0.1:9/bundle',
      bundleEndpointProfile: { type: 'https_spiffe', endpointSpiffeId: `spiffe://${trustDomain.name}/server` },
      trustDomainBundle: bundleToJson({ trustDomain, roots: [rootDer], jwtAuthorities: [], sequence: 1 }),
    },
  });
}

/** DER certificates that stand one after the other. */
function certificates(octets: Octets): Buffer[] {
  const found: Buffer[] = [];
  for (let rest = bytes(octets); rest.length > 0; rest = rest.subarray(found.at(-1)?.length)) {
    found.push(Buffer.from(new X509Certificate(rest).raw));
  }
  return found;
}

describe('the SPIFFE Workload API of a host', () => {
  let plane: ControlPlaneProcess;
  let agent: AgentProcess;
  const clients: WorkloadClient[] = [];
  const applied: string[] = [];

  before(async () => {
    plane = await ControlPlaneProcess.start();
    agent = await AgentProcess.start(plane);
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.stop()));
    for (const name of applied.splice(0)) await remove(name);
  });
  after(async () => {
    await agent.remove();
    await plane.stop();
  });

  async function workload(options: Partial<WorkloadClientOptions> = {}): Promise<WorkloadClient> {
    const client = await WorkloadClient.start({ socketPath: agent.socketPath, ...options });
    clients.push(client);
    return client;
  }

  async function apply(name: string, spec: object): Promise<void> {
    applied.push(name);
    await plane.apply(registration(name, { selectors: [`unix:uid:${UID}`], ...spec }));
  }

  async function remove(name: string): Promise<void> {
    await plane.admin.deleteResource({ kind: 'RegistrationEntry', namespace: 'istio-system', name });
  }

  const web = (spec: object = {}): Promise<void> => apply('web', { spiffeId: WEB, ...spec });

  it('gives a workload its SVID with the key that belongs to it, and OpenSSL agrees', async () => {
    await web({ hint: 'internal', dnsNames: ['web.prod'] });
    const client = await workload();
    const answer = await client.x509().until('an SVID', () => true);
    const [svid] = answer.svids;
    assert.ok(svid !== undefined);
    assert.deepEqual([svid.spiffe_id, svid.hint, answer.federated_bundles], [WEB, 'internal', {}]);
    const [leaf, ...intermediates] = certificates(svid.x509_svid);
    assert.ok(leaf !== undefined);
    const key = createPrivateKey({ key: bytes(svid.x509_svid_key), format: 'der', type: 'pkcs8' });
    assert.ok(new X509Certificate(leaf).publicKey.equals(createPublicKey(key)));
    const pem = (name: string, ders: readonly Buffer[]): string => {
      const file = join(agent.folder, name);
      writeFileSync(file, ders.map((der) => toPem(der)).join(''));
      return file;
    };
    const files = [
      '-CAfile',
      pem('roots.pem', certificates(svid.bundle)),
      '-untrusted',
      pem('chain.pem', intermediates),
      pem('leaf.pem', [leaf]),
    ];
    assert.match(execFileSync('openssl', ['verify', '-x509_strict', ...files]).toString(), /leaf\.pem: OK/);
  });

  it('a workload without an entry has no identity, and gets one as soon as there is one', async () => {
    const client = await workload();
    const refused = await client.x509().failure();
    assert.deepEqual([refused.code, refused.message.startsWith('no identity')], [CODE.permissionDenied, true]);
    await web();
    const answer = await until('an identity', async () => {
      const call = client.x509();
      await until('an outcome', () => call.ended || call.last !== undefined);
      return call.last;
    });
    assert.deepEqual(names(answer), [WEB]);
  });

  it('a stream is told the whole state again when an entry comes, changes and goes', async () => {
    await web();
    const call = (await workload()).x509();
    const first = await call.until('the first SVID', () => true);
    await apply('worker', { spiffeId: `${OWN_DOMAIN}/worker`, hint: 'jobs' });
    const both = await call.until('the second SVID', (answer) => answer.svids.length === 2);
    assert.deepEqual(names(both), [WEB, `${OWN_DOMAIN}/worker`]);
    assert.deepEqual(both.svids[0], first.svids[0]);
    await apply('worker', { spiffeId: `${OWN_DOMAIN}/worker-2`, hint: 'jobs' });
    await call.until('the new identity', (answer) => names(answer)[1] === `${OWN_DOMAIN}/worker-2`);
    await remove('web');
    await call.until('the end of the first', (answer) => names(answer)[0] === `${OWN_DOMAIN}/worker-2`);
    await remove('worker');
    assert.equal((await call.failure()).code, CODE.permissionDenied);
  });

  it('hints of one answer are unique', async () => {
    await web({ hint: 'same' });
    await apply('worker', { spiffeId: `${OWN_DOMAIN}/worker`, hint: 'same' });
    const answer = await (await workload()).x509().until('both', ({ svids }) => svids.length === 2);
    assert.deepEqual(
      answer.svids.map(({ hint }) => hint),
      ['same', ''],
    );
  });

  it('an SVID that is revoked is replaced at once, and never said again', async () => {
    await web();
    const client = await workload();
    const call = client.x509();
    const first = await call.until('an SVID', () => true);
    const serialOf = (answer: X509Answer): string =>
      new X509Certificate(bytes(answer.svids[0]?.x509_svid ?? { base64: '' })).serialNumber.toLowerCase();
    await plane.admin.revokeCertificate({ serial: serialOf(first), reason: 'key lost' });
    await call.until('another SVID', (answer) => serialOf(answer) !== serialOf(first));
    assert.equal(call.answers.filter((answer) => serialOf(answer) === serialOf(first)).length, 1);
    assert.notEqual(serialOf(await client.x509().until('an SVID', () => true)), serialOf(first));
    const listed = await call.until('a revocation list with it', ({ crl }) =>
      crl.some((list) => serialsOn(list).includes(serialOf(first))),
    );
    const file = join(agent.folder, 'revoked.crl');
    writeFileSync(file, bytes(listed.crl[0] ?? { base64: '' }));
    execFileSync('openssl', ['crl', '-inform', 'DER', '-in', file, '-noout', '-lastupdate']);
  });

  it('an identity that is barred loses its SVIDs, and its tokens are believed no more', async () => {
    const spiffeId = `${OWN_DOMAIN}/ns/prod/sa/barred`;
    await apply('barred', { spiffeId });
    const client = await workload();
    const call = client.x509();
    await call.until('an SVID', () => true);
    const { svids } = await client.first<JwtAnswer>('FetchJWTSVID', { audience: ['orders'] });
    await apply('other', { spiffeId: `${OWN_DOMAIN}/other` });
    await call.until('the other identity', (answer) => names(answer).length === 2);
    await plane.revocations.revoke({ spiffeId, bar: true, note: 'taken over' });
    const left = await call.until('the end of the barred one', (answer) => names(answer).length === 1);
    assert.deepEqual(names(left), [`${OWN_DOMAIN}/other`]);
    const { message } = await client
      .call('ValidateJWTSVID', { request: { audience: 'orders', svid: svids[0]?.svid ?? '' } })
      .failure();
    assert.equal(message, 'the token is revoked');
    await remove('other');
    assert.equal((await call.failure()).code, CODE.permissionDenied);
    await plane.revocations.liftBar({ spiffeId, note: 'rebuilt' });
  });

  it('says who the caller is by its user and its binary, not by what it says', { skip: notRoot }, async () => {
    const binary = join(agent.folder, 'other-node');
    copyFileSync(process.execPath, binary);
    chmodSync(binary, 0o755);
    await apply('mine', { spiffeId: `${OWN_DOMAIN}/mine` });
    await apply('nobody', { spiffeId: `${OWN_DOMAIN}/nobody`, selectors: [`unix:uid:${STRANGER}`] });
    const both = [`unix:uid:${UID}`, `unix:path:${binary}`];
    await apply('path', { spiffeId: `${OWN_DOMAIN}/path`, selectors: both });
    await apply('neither', { spiffeId: `${OWN_DOMAIN}/no`, selectors: ['unix:uid:4321', `unix:path:${binary}`] });
    const seen = async (options: Partial<WorkloadClientOptions>): Promise<string[]> =>
      names(await (await workload(options)).x509().until('an answer', () => true));
    assert.deepEqual(await seen({}), [`${OWN_DOMAIN}/mine`]);
    assert.deepEqual(await seen({ uid: STRANGER }), [`${OWN_DOMAIN}/nobody`]);
    assert.deepEqual(await seen({ execPath: binary }), [`${OWN_DOMAIN}/mine`, `${OWN_DOMAIN}/path`]);
  });

  const headers: readonly (readonly [rule: string, metadata: readonly (readonly [string, string])[]])[] = [
    ['without it', []],
    ['with another value', [['workload.spiffe.io', 'TRUE']]],
    ['twice', [...SECURITY_HEADER, ...SECURITY_HEADER]],
  ];
  for (const [rule, metadata] of headers) {
    it(`a call is refused when the security header is there ${rule}`, async () => {
      await web();
      const client = await workload();
      for (const method of [
        'FetchX509SVID',
        'FetchX509Bundles',
        'FetchJWTSVID',
        'FetchJWTBundles',
        'ValidateJWTSVID',
      ]) {
        const { code } = await client.call(method, { metadata }).failure();
        assert.equal(code, CODE.invalidArgument, method);
      }
    });
  }

  it('says that WIT-SVIDs are not implemented', async () => {
    const { code } = await (await workload()).call('FetchWITSVID').failure();
    assert.equal(code, CODE.unimplemented);
  });

  const mistakes: readonly (readonly [rule: string, method: string, request: object])[] = [
    ['a token for nobody', 'FetchJWTSVID', {}],
    ['an empty audience', 'FetchJWTSVID', { audience: ['a', ''] }],
    ['a token for more than 32', 'FetchJWTSVID', { audience: Array.from({ length: 33 }, (_, n) => `a${n}`) }],
    ['a SPIFFE ID that is none', 'FetchJWTSVID', { audience: ['a'], spiffe_id: 'web' }],
    ['a question without audience', 'ValidateJWTSVID', { svid: 'x' }],
    ['a question without token', 'ValidateJWTSVID', { audience: 'a' }],
    ['a token that is none', 'ValidateJWTSVID', { audience: 'a', svid: 'x.y.z' }],
  ];
  for (const [rule, method, request] of mistakes) {
    it(`${rule} is an invalid argument`, async () => {
      await web();
      const { code } = await (await workload()).call(method, { request }).failure();
      assert.equal(code, CODE.invalidArgument);
    });
  }

  it('JWT-SVIDs are for their audience, and are judged by the bundle of their domain', async () => {
    await web({ hint: 'internal' });
    await apply('worker', { spiffeId: `${OWN_DOMAIN}/worker` });
    const client = await workload();
    const { svids } = await client.first<JwtAnswer>('FetchJWTSVID', { audience: ['orders', 'billing', 'orders'] });
    assert.deepEqual(
      svids.map(({ spiffe_id: id, hint }) => [id, hint]),
      [
        [WEB, 'internal'],
        [`${OWN_DOMAIN}/worker`, ''],
      ],
    );
    const one = await client.first<JwtAnswer>('FetchJWTSVID', { audience: ['orders'], spiffe_id: WEB });
    const token = one.svids[0]?.svid ?? '';
    assert.equal(one.svids.length, 1);
    const judged = await client.first<Judged>('ValidateJWTSVID', { audience: 'orders', svid: token });
    assert.deepEqual([judged.spiffe_id, judged.claims.fields['sub']?.stringValue], [WEB, WEB]);
    const other = await client.call('ValidateJWTSVID', { request: { audience: 'billing', svid: token } }).failure();
    assert.deepEqual([other.code, other.message], [CODE.invalidArgument, 'the token is not for "billing"']);
    const foreign = client.call('FetchJWTSVID', {
      request: { audience: ['orders'], spiffe_id: `${OWN_DOMAIN}/other` },
    });
    assert.deepEqual(await foreign.failure(), {
      code: CODE.permissionDenied,
      message: 'no identity: the one that is asked for is not of this process',
    });
    const { bundles } = await client.first<BundlesAnswer>('FetchJWTBundles');
    const keys = JSON.parse(bytes(bundles[OWN_DOMAIN] ?? { base64: '' }).toString()) as { keys: { use: string }[] };
    assert.ok(keys.keys.length > 0 && keys.keys.every(({ use }) => use === 'jwt-svid'));
  });

  it('bundles are told by the SPIFFE ID of their trust domain', async () => {
    await web();
    const { bundles } = await (await workload()).first<BundlesAnswer>('FetchX509Bundles');
    assert.deepEqual(Object.keys(bundles), [OWN_DOMAIN]);
    const [root] = certificates(bundles[OWN_DOMAIN] ?? { base64: '' });
    assert.ok(root !== undefined && new X509Certificate(root).ca);
  });

  it('bundles of other trust domains are told to those whose entry federates with them, and come on their own', async () => {
    await web({ federatesWith: ['partner.example'] });
    await apply('alone', { spiffeId: `${OWN_DOMAIN}/alone`, selectors: [`unix:uid:${STRANGER}`] });
    const call = (await workload()).x509();
    const before = await call.until('an SVID', () => true);
    assert.deepEqual(before.federated_bundles, {});
    const partner = await TestCa.create('partner.example', Date.now());
    await plane.apply(federated(partner));
    const answer = await call.until('the bundle', (each) => Object.keys(each.federated_bundles).length > 0);
    assert.deepEqual(answer.federated_bundles, {
      'spiffe://partner.example': { base64: Buffer.from(partner.rootDer).toString('base64') },
    });
    const { bundles } = await (await workload()).first<BundlesAnswer>('FetchX509Bundles');
    assert.deepEqual(Object.keys(bundles).sort(), [OWN_DOMAIN, 'spiffe://partner.example']);
    if (notRoot === false) {
      const alone = await (await workload({ uid: STRANGER })).first<BundlesAnswer>('FetchX509Bundles');
      assert.deepEqual(Object.keys(alone.bundles), [OWN_DOMAIN]);
    }
    await plane.admin.deleteResource({ kind: 'FederatedTrustDomain', namespace: 'istio-system', name: 'partner' });
    await call.until('its end', (each) => Object.keys(each.federated_bundles).length === 0);
  });

  it('a process that takes too many streams is told to come back later, and no other one is', async () => {
    await web();
    const greedy = await workload();
    const calls = Array.from({ length: 80 }, () => greedy.x509());
    await until('all calls to be answered or refused', () => calls.every(({ last, error }) => last ?? error));
    const refused = calls.flatMap(({ error }) => (error === undefined ? [] : [error.code]));
    assert.ok(refused.length > 0 && refused.every((code) => code === CODE.unavailable));
    assert.deepEqual(names(await (await workload()).x509().until('an SVID', () => true)), [WEB]);
  });
});
