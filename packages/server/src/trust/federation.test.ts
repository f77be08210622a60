import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { get } from 'node:https';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { TrustDomain } from '@rampart/core';
import { createCsr, generateKeyPair, parseBundleJson, toPem } from '@rampart/spiffe';
import type { ControlPlane } from '../control-plane.ts';
import { FakeDataPlane } from '../testing/fake-data-plane.ts';
import { TestPlanes, until } from '../testing/test-plane.ts';
import { attest, type AttestedWorkload, connectAsAdmin, connectTo } from '../testing/workload-client.ts';

const PARTNER = 'partner.example';
const WEB = { namespace: 'default', serviceAccount: 'web' };

const listen = (plane: ControlPlane, { credentials }: AttestedWorkload): FakeDataPlane =>
  new FakeDataPlane(connectTo(plane, { credentials })).connect();

describe('two control planes that federate', () => {
  const here = new TestPlanes();
  const there = new TestPlanes();
  beforeEach(() => Promise.all([here.open(), there.open()]));
  afterEach(() => Promise.all([here.close(), there.close()]));

  const bundleOf = (plane: ControlPlane): Promise<string> => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    get(`${plane.addresses.api}/bundle`, { ca: readFileSync(plane.caFile), agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    }).on('error', reject);
    return promise;
  };

  const relationshipTo = async (plane: ControlPlane, change: object = {}): Promise<string> =>
    JSON.stringify({
      apiVersion: 'rampart.dev/v1',
      kind: 'FederatedTrustDomain',
      metadata: { name: 'partner', namespace: 'istio-system' },
      spec: {
        trustDomain: plane.trustDomain,
        bundleEndpointUrl: `${plane.addresses.api}/bundle`,
        bundleEndpointProfile: {
          type: 'https_spiffe',
          endpointSpiffeId: `spiffe://${plane.trustDomain}/ns/istio-system/sa/rampart-server`,
        },
        trustDomainBundle: await bundleOf(plane),
        ...change,
      },
    });

  const asAdmin = async <T>(
    plane: ControlPlane,
    work: (api: ReturnType<typeof connectAsAdmin>) => Promise<T>,
  ): Promise<T> => {
    const api = connectAsAdmin(plane);
    try {
      return await work(api);
    } finally {
      api.close();
    }
  };

  const apply = (plane: ControlPlane, document: string): Promise<void> =>
    asAdmin(plane, async ({ admin }) => {
      const { problems } = await admin.apply({ document, file: 'federation.json' });
      assert.deepEqual(problems, []);
    });

  const statusOf = (
    plane: ControlPlane,
  ): Promise<readonly { trustDomain: string; fetchedAt: bigint; problem: string; roots: number }[]> =>
    asAdmin(plane, async ({ trust }) => (await trust.listTrustDomains({})).trustDomains);

  const isFetched = async (plane: ControlPlane): Promise<boolean> => ((await statusOf(plane))[1]?.fetchedAt ?? 0n) > 0n;

  it('know each other by https_spiffe over real sockets; data planes are told, as data planes there are not', async () => {
    const [home, partner] = [await here.start(), await there.start({ trustDomain: PARTNER })];
    const listener = listen(home, await attest(home, WEB));
    await apply(home, await relationshipTo(partner));
    await until('the first poll', () => isFetched(home));
    const [own, other] = await statusOf(home);
    assert.deepEqual([own?.trustDomain, other?.trustDomain, other?.problem], ['cluster.local', PARTNER, '']);
    await until('the bundle at the data plane', () => listener.federated.has(PARTNER));
    const parsed = parseBundleJson(TrustDomain.of(PARTNER), await bundleOf(partner));
    assert.ok(parsed.ok);
    assert.deepEqual(listener.federated.get(PARTNER)?.map(Buffer.from), parsed.value.roots.map(Buffer.from));
    assert.deepEqual(
      (await statusOf(partner)).map(({ trustDomain }) => trustDomain),
      [PARTNER],
      'one-way',
    );
    await asAdmin(home, ({ admin }) => admin.deleteResource({ kind: 'FederatedTrustDomain', name: 'partner' }));
    await until('the end at the data plane', () => listener.federated.size === 0);
    listener.kill();
  });

  it('judge JWT-SVIDs of the other by its own bundle, and none after the end', async () => {
    const [home, partner] = [await here.start(), await there.start({ trustDomain: PARTNER })];
    const { token } = await asAdmin(partner, ({ trust }) =>
      trust.mintJwtSvid({ spiffeId: `spiffe://${PARTNER}/ns/web/sa/shop`, audiences: ['orders'] }),
    );
    const validate = (): Promise<{ problem: string; spiffeId: string }> =>
      asAdmin(home, ({ trust }) => trust.validateJwtSvid({ token, audience: 'orders' }));
    assert.equal((await validate()).problem, 'UNTRUSTED');
    await apply(home, await relationshipTo(partner));
    await until('the bundle', async () => (await validate()).problem === '');
    assert.equal((await validate()).spiffeId, `spiffe://${PARTNER}/ns/web/sa/shop`);
  });

  it('go on after a restart with the last good bundle, though the other is away', async () => {
    const [home, partner] = [await here.start(), await there.start({ trustDomain: PARTNER })];
    await apply(home, await relationshipTo(partner));
    await until('the first poll', () => isFetched(home));
    await partner.stop();
    await home.stop();
    const again = await here.start();
    const listener = listen(again, await attest(again, WEB));
    await until('the bundle at the data plane', () => listener.federated.has(PARTNER));
    await until('the failed poll', async () => (await statusOf(again))[1]?.problem !== '');
    assert.ok(listener.federated.has(PARTNER));
    listener.kill();
  });

  it('mint no token that would speak for the control plane itself', async () => {
    const home = await here.start();
    const spiffeId = 'spiffe://cluster.local/ns/istio-system/sa/rampart-server';
    const minting = asAdmin(home, ({ trust }) => trust.mintJwtSvid({ spiffeId, audiences: ['orders'] }));
    await assert.rejects(minting, /is the control plane itself/);
  });

  it('refuse relationships that cannot be, with the reason', async () => {
    const home = await here.start();
    const problemsOf = (name: string, spec: object): Promise<readonly string[]> =>
      asAdmin(home, async ({ admin }) => {
        const profile = { bundleEndpointUrl: 'https://localhost:1/', bundleEndpointProfile: { type: 'https_web' } };
        const document = JSON.stringify({
          apiVersion: 'rampart.dev/v1',
          kind: 'FederatedTrustDomain',
          metadata: { name, namespace: 'istio-system' },
          spec: { trustDomain: PARTNER, ...profile, ...spec },
        });
        return (await admin.apply({ document, file: 'f' })).problems.map(({ field, message }) => `${field} ${message}`);
      });
    assert.match((await problemsOf('own', { trustDomain: 'cluster.local' })).join(), /this trust domain itself/);
    assert.match(
      (await problemsOf('a', { trustDomainBundle: '{"keys":[1]}' })).join(),
      /^spec\.trustDomainBundle .*keys\[0\]/,
    );
    assert.deepEqual(await problemsOf('a', {}), []);
    assert.deepEqual(await problemsOf('a', { bundleEndpointUrl: 'https://localhost:2/' }), [], 'the same may change');
    assert.match((await problemsOf('b', {})).join(), /federated with by a already/);
    const relationship = (name: string, trustDomain: string): string => `apiVersion: rampart.dev/v1
kind: FederatedTrustDomain
metadata: { name: ${name} }
spec:
  trustDomain: ${trustDomain}
  bundleEndpointUrl: https://localhost:1/
  bundleEndpointProfile: { type: https_web }
`;
    const document = ['c', 'd'].map((name) => relationship(name, 'twin.example')).join('---\n');
    const { problems } = await asAdmin(home, ({ admin }) => admin.apply({ document, file: 'twins.yaml' }));
    assert.deepEqual(
      problems.map(({ line, column, field }) => [line, column, field]),
      [[13, 3, 'spec.trustDomain']],
    );
    assert.match(problems[0]?.message ?? '', /twin\.example is federated with by c already/);
    const moved = [relationship('a', 'moved.example'), relationship('b', PARTNER)].join('---\n');
    assert.deepEqual((await asAdmin(home, ({ admin }) => admin.apply({ document: moved, file: 'f' }))).problems, []);
  });

  it('are told apart by their names: no other name of this one, and not the one that means any mesh', async () => {
    const home = await here.start({ trustDomain: 'home.example' });
    const problemsOf = (
      ...resources: readonly (readonly [kind: string, name: string, spec: object])[]
    ): Promise<string[]> =>
      asAdmin(home, async ({ admin }) => {
        const document = resources
          .map(([kind, name, spec]) => JSON.stringify({ apiVersion: 'rampart.dev/v1', kind, metadata: { name }, spec }))
          .join('\n---\n');
        return (await admin.apply({ document, file: 'f' })).problems.map(({ field, message }) => `${field} ${message}`);
      });
    const federated = (trustDomain: string): readonly [string, string, object] => [
      'FederatedTrustDomain',
      'partner',
      { trustDomain, bundleEndpointUrl: 'https://localhost:1/', bundleEndpointProfile: { type: 'https_web' } },
    ];
    const known = (...trustDomainAliases: readonly string[]): readonly [string, string, object] => [
      'MeshConfig',
      'default',
      { trustDomainAliases },
    ];
    assert.match((await problemsOf(federated('cluster.local'))).join(), /take cluster\.local for home\.example itself/);
    assert.match(
      (await problemsOf(known('old.example'), federated('old.example'))).join(),
      /another name of this trust/,
    );
    assert.match(
      (await problemsOf(federated(PARTNER), known('old.example', PARTNER))).join(),
      /^spec\.trustDomainAliases\[1\] .*partner\.example is federated with/,
    );
    assert.deepEqual(await problemsOf(federated(PARTNER), known('old.example')), []);
    assert.match((await problemsOf(federated('old.example'))).join(), /another name of this trust domain/);
    assert.match((await problemsOf(known(PARTNER))).join(), /partner\.example is federated with/);
  });

  it('tell agents the bundles of both, with the keys of JWT-SVIDs', async () => {
    const [home, partner] = [await here.start(), await there.start({ trustDomain: PARTNER })];
    await apply(home, await relationshipTo(partner));
    const keyPair = generateKeyPair();
    const { token } = await asAdmin(home, ({ admin }) => admin.createJoinToken({ agent: 'host-1' }));
    const stranger = connectTo(home);
    const { chain } = await stranger.identity.attest({
      evidence: { case: 'joinToken', value: token },
      csr: createCsr(keyPair),
    });
    const certificate = chain.map((der) => toPem(der)).join('');
    const agent = connectTo(home, { credentials: { certificate, key: keyPair.privateKeyPem() } });
    const told = new Map<string, number>();
    const listening = (async () => {
      for await (const { bundles, removedBundles } of agent.agent.sync({})) {
        for (const { trustDomain, jwks } of bundles)
          told.set(trustDomain, (JSON.parse(jwks) as { keys: object[] }).keys.length);
        for (const trustDomain of removedBundles) told.delete(trustDomain);
      }
    })().catch(() => undefined);
    await until('both bundles', () => told.get('cluster.local') === 1 && told.get(PARTNER) === 1);
    await asAdmin(home, ({ trust }) => trust.rotateJwtKey({}));
    await until('the next key', () => told.get('cluster.local') === 2);
    await asAdmin(home, ({ admin }) => admin.deleteResource({ kind: 'FederatedTrustDomain', name: 'partner' }));
    await until('the end', () => !told.has(PARTNER));
    for (const client of [stranger, agent]) client.close();
    await listening;
  });

  it('never let a workload of the other call the API', async () => {
    const [home, partner] = [await here.start(), await there.start({ trustDomain: PARTNER })];
    await apply(home, await relationshipTo(partner));
    await until('the first poll', () => isFetched(home));
    const stranger = await attest(partner, WEB);
    const listener = listen(home, stranger);
    await until('the refusal', () => listener.ended);
    assert.match(String(listener.error), /partner\.example/);
  });
});
