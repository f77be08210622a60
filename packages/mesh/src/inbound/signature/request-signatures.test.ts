import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { before, beforeEach, describe, it } from 'node:test';

import { ENFORCED_IN_PROCESS, parseResource, ReplayCache } from '@rampart/core';
import { signRequest } from '@rampart/spiffe/http-signature';
import { TestCa } from '@rampart/testkit';
import type { TestSvid } from '@rampart/testkit';
import { FakeClock } from '@rampart/testkit/fake-clock';

import { SvidSource } from '../../identity/svid-source.ts';
import { createSvid } from '../../identity/svid.ts';
import { createIds } from '../../record/ids.ts';
import { MeshView } from '../../view/mesh-view.ts';
import { Permit } from '../authorize.ts';
import { InboundConnection } from '../connection.ts';
import { InboundExchange } from '../request/exchange.ts';
import { RequestFacts } from '../request/facts.ts';
import { MeshNonces } from './mesh-nonces.ts';
import type { TakeNonces } from './nonce-desk.ts';
import { RequestSignatures } from './request-signatures.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };

interface Sent {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

describe('signatures of requests', () => {
  let ca: TestCa;
  let other: TestCa;
  let frontend: TestSvid;
  let hop: TestSvid;
  let stranger: TestSvid;
  let clock: FakeClock;
  let view: MeshView;
  let identity: SvidSource;
  let signatures: RequestSignatures;
  let memory: ReplayCache;
  let isAway: boolean;
  let nonce = 0;

  before(async () => {
    ca = await TestCa.create('cluster.local', NOW);
    const issue = (serviceAccount: string): Promise<TestSvid> => ca.issue(NOW, { namespace: 'web', serviceAccount });
    [frontend, hop] = await Promise.all([issue('frontend'), issue('hop')]);
    other = await TestCa.create('cluster.local', NOW);
    stranger = await other.issue(NOW, { namespace: 'web', serviceAccount: 'frontend' });
  });

  beforeEach(async () => {
    clock = new FakeClock(NOW);
    view = new MeshView({ rootNamespace: 'istio-system', capabilities: ENFORCED_IN_PROCESS });
    view.setWorkload({ namespace: 'shop', serviceAccount: 'orders', labels: {} }, 'cluster.local');
    const own = await ca.issue(NOW, { namespace: 'shop', serviceAccount: 'orders' });
    const bundle = { trustDomain: ca.trustDomain, roots: [ca.rootDer], jwtAuthorities: [], sequence: 1 };
    const svid = createSvid({ ...own, chain: [own.der], bundle });
    const issuer = { attest: () => Promise.resolve(svid), renew: () => Promise.resolve(svid) };
    identity = new SvidSource({ issuer, clock, random: () => 0.5, log });
    identity.start();
    await clock.advance(0);
    memory = new ReplayCache({ clock, knownSince: NOW });
    isAway = false;
    const nonces = new MeshNonces({ clock, log, take, workload: () => ({ namespace: 'shop', service: 'orders' }) });
    signatures = new RequestSignatures({ view, identity, clock, nonces });
    apply({ match: [{ paths: ['/pay*'] }], signers: ['cluster.local/ns/web/sa/frontend'], maxBodyBytes: 100 });
  });

  /** The control plane's side. */
  const take: TakeNonces = (claims) => {
    const standings = claims.map(({ digest, created, keepMs }) =>
      memory.take({ name: Buffer.from(digest).toString('hex'), created: Number(created), keepMs }),
    );
    return isAway ? Promise.reject(new Error('away')) : Promise.resolve(standings);
  };

  function apply(spec: object, revoked: readonly string[] = []): void {
    const parsed = parseResource({
      apiVersion: 'rampart.dev/v1',
      kind: 'RequestSignaturePolicy',
      metadata: { name: 'signed', namespace: 'shop' },
      spec,
    });
    assert.ok(parsed.ok, JSON.stringify(parsed));
    const resources = [['RequestSignaturePolicy/shop/signed', parsed.value] as const];
    view.apply({ revision: view.revision + 1, reset: true, resources, services: [], revokedSerials: revoked });
  }

  function signed(by: TestSvid, { url = '/pay?to=shop', body = '{}' } = {}): Sent {
    nonce += 1;
    const request = { method: 'POST', url: `https://orders${url}`, fields: () => [] };
    const headers = signRequest(request, Buffer.from(body), {
      signer: { ...by.keyPair, spiffeId: by.spiffeId, chain: [by.der] },
      components: [],
      nonce: `nonce-000${nonce}`,
      now: clock.now(),
      lifetimeMs: 60_000,
    });
    return { url, headers, body };
  }

  /** How the request is answered: the code of a refusal and its reason, or 200 once policy lets it in. */
  async function answer({ url, headers, body }: Sent): Promise<string> {
    const options = { socket: new Socket(), peer: undefined, tlsVersion: '', port: 80, sni: '', openedAt: NOW };
    const connection = new InboundConnection(options, view, undefined);
    const all = { host: 'orders', ...headers };
    const headersDistinct = Object.fromEntries(Object.entries(all).map(([name, value]) => [name, [value]]));
    const rawHeaders = Object.entries(all).flat();
    const message = { method: 'POST', url, httpVersion: '1.1', headers: all, headersDistinct, rawHeaders };
    const exchange = new InboundExchange(connection, message, {
      ids: createIds(),
      stopwatch: { elapsed: () => 0, unixTime: () => 0 },
    });
    const facts = RequestFacts.read(message, connection);
    assert.ok(facts.ok);
    const refused = await signatures.check({
      exchange,
      facts: facts.value,
      isUpgrade: false,
      hasBody: true,
      onGone: () => () => undefined,
      peekBody: (limit) =>
        Promise.resolve({ bytes: Buffer.from(body).subarray(0, limit), complete: body.length <= limit }),
      changeResponse: () => undefined,
    });
    if (refused !== undefined) return `${refused.code} ${refused.verdict.reason}`;
    const judgement = Permit.judge(connection, facts.value, clock.now());
    return judgement.denied ? `403 ${judgement.verdict.reason}` : '200';
  }

  it('let the request of a signer in', async () => assert.equal(await answer(signed(frontend)), '200'));
  it('are nothing that other requests need', async () =>
    assert.equal(await answer({ url: '/public', headers: {}, body: '' }), '200'));
  it('hold for the path as it was sent, and for what it means', async () => {
    assert.equal(await answer(signed(frontend, { url: '/pay/./cash//now' })), '200');
    assert.match(await answer({ url: '/%70ay', headers: {}, body: '' }), /^401/);
  });

  it('count once', async () => {
    const request = signed(frontend);
    assert.equal(await answer(request), '200');
    assert.match(await answer(request), /^401 .*it was used before/);
  });

  it('are refused with 503 while nobody says whether they came before, but of policies that fail open', async () => {
    isAway = true;
    assert.match(await answer(signed(frontend)), /^503 .*the control plane does not say/);
    apply({ signers: ['*'], failOpen: true });
    const request = signed(frontend);
    assert.equal(await answer(request), '200');
    assert.match(await answer(request), /^401 .*it was used before/);
  });

  it('are remembered as long as they would count', async () => {
    const request = signed(frontend);
    assert.equal(await answer(request), '200');
    await clock.advance(65_000);
    assert.match(await answer(request), /^401 .*(used before|too old|expired)/);
    await clock.advance(1000);
    assert.match(await answer(request), /^401 .*(too old|expired)/);
  });

  const refused: readonly (readonly [fact: string, reason: RegExp, request: () => Sent])[] = [
    ['no signature', /^401 .*without the certificate of its signer/, () => ({ url: '/pay', headers: {}, body: '' })],
    ['one of a hop in between', /^401 .*sa\/hop is not among the signers/, () => signed(hop)],
    ['one of a key of another authority', /^401 .*certificate of the signature is refused/, () => signed(stranger)],
    ['one of another body', /^401 .*content is not the one/, () => ({ ...signed(frontend), body: '[]' })],
    ['one of another path', /^401 .*not of this message/, () => ({ ...signed(frontend), url: '/pay/more' })],
    ['a body that is too large', /^413 /, () => signed(frontend, { body: 'x'.repeat(101) })],
  ];
  for (const [fact, reason, request] of refused) {
    it(`refuse ${fact}`, async () => assert.match(await answer(request()), reason));
  }

  const noMore: readonly (readonly [fact: string, reason: RegExp, happens: (svid: TestSvid) => unknown])[] = [
    ['is revoked', /^401 .*revoked/, ({ serial }) => apply({ signers: ['*'] }, [serial])],
    ['has ended', /^401 .*expired/, () => clock.advance(2000)],
    ['is of a root that is gone', /^401 .*refused/, () => identity.trust([other.rootDer], 2)],
  ];
  for (const [fact, reason, happens] of noMore) {
    it(`of a certificate that ${fact} are refused, although it was known`, async () => {
      const notAfter = NOW + (fact === 'has ended' ? 1000 : 60_000);
      const brief = await ca.issue(NOW, { namespace: 'web', serviceAccount: 'frontend', notAfter });
      assert.equal(await answer(signed(brief)), '200');
      await happens(brief);
      assert.match(await answer(signed(brief)), reason);
    });
  }

  it('that were judged by other policies let nobody in', async () => {
    const request = signed(frontend);
    const going = answer(request);
    await Promise.resolve();
    assert.equal(await going, '200');
    apply({ signers: ['cluster.local/ns/web/sa/batch'] });
    assert.match(await answer(signed(frontend)), /^401 .*not among the signers/);
  });
});
