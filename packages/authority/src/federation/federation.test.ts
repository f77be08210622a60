import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type Clock, SpiffeId, TrustDomain } from '@rampart/core';
import { createMemoryJournalStore, Journal } from '@rampart/journal';
import { MemoryKeyStore } from '@rampart/keyring';
import {
  bundleToJson,
  bundleToPem,
  generateKeyPair,
  type JwtAuthority,
  toPem,
  toPublicJwk,
  type TrustBundle,
} from '@rampart/spiffe';
import { type Authority, openAuthority } from '../authority.ts';
import { createMemoryAuthorityStore } from '../memory-store.ts';
import { Federation } from './federation.ts';
import { createMemoryFederationStore } from './memory-store.ts';
import { relationshipOf, type Relationship, type RelationshipSpec } from './relationship.ts';
import type { FederationStore } from './store.ts';

const PARTNER = 'partner.example';
const ENDPOINT = `spiffe://${PARTNER}/ns/istio-system/sa/rampart-server`;

/** The time of this machine, because TLS goes by it; timers fire when a test says so. */
class HandClock implements Clock {
  readonly #timers: { readonly delayMs: number; readonly callback: () => void }[] = [];

  now(): number {
    return Date.now();
  }

  after(delayMs: number, callback: () => void): { cancel(): void } {
    const timer = { delayMs, callback };
    this.#timers.push(timer);
    return { cancel: () => void this.#timers.splice(this.#timers.indexOf(timer), 1) };
  }

  /** Waits for the next timer to be set, takes it, and gives its delay. */
  async fire(): Promise<number> {
    while (this.#timers.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const timer = this.#timers.shift();
    timer?.callback();
    return timer?.delayMs ?? 0;
  }

  async delay(): Promise<number> {
    while (this.#timers.length === 0) await new Promise((resolve) => setImmediate(resolve));
    return this.#timers[0]?.delayMs ?? 0;
  }

  get pending(): number {
    return this.#timers.length;
  }
}

async function authorityOf(domain: string, clock: Clock): Promise<Authority> {
  const journal = await Journal.open(createMemoryJournalStore(), clock);
  const trustDomain = TrustDomain.of(domain);
  return openAuthority({
    trustDomain,
    keys: new MemoryKeyStore(),
    store: createMemoryAuthorityStore(),
    journal,
    clock,
  });
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`waited for ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('federation', () => {
  const clock = new HandClock();
  let home: Authority;
  let partner: Authority;
  let impostor: Authority;
  const servers: Server[] = [];
  /** What the partner's endpoint answers. */
  let answer: (response: ServerResponse) => void;
  let calls = 0;
  let url = '';
  let partnerBundle: TrustBundle;

  const serve = async (authority: Authority, id: string): Promise<string> => {
    const keyPair = generateKeyPair();
    const issued = await authority.issueServerCertificate(
      new Uint8Array(keyPair.publicKey.export({ type: 'spki', format: 'der' })),
      { spiffeId: SpiffeId.of(id), dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] },
    );
    const cert = issued.chain.map((der) => toPem(der)).join('');
    const server = createServer({ cert, key: keyPair.privateKeyPem() }, (_, response) => {
      calls += 1;
      answer(response);
    });
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `https://localhost:${(server.address() as AddressInfo).port}/bundle`;
  };

  before(async () => {
    [home, partner, impostor] = await Promise.all([
      authorityOf('cluster.local', clock),
      authorityOf(PARTNER, clock),
      authorityOf(PARTNER, clock),
    ]);
    partnerBundle = { ...partner.bundle(), sequence: 1, refreshHintSeconds: 60 };
    url = await serve(partner, ENDPOINT);
  });

  after(() => {
    for (const server of servers) server.close();
  });

  beforeEach(() => {
    calls = 0;
    answer = (response) => response.end(bundleToJson(partnerBundle));
  });

  const spec = (change: Partial<RelationshipSpec> = {}): Relationship =>
    relationshipOf({
      trustDomain: PARTNER,
      bundleEndpointUrl: url,
      bundleEndpointProfile: { type: 'https_spiffe', endpointSpiffeId: ENDPOINT },
      trustDomainBundle: bundleToJson(partnerBundle),
      ...change,
    });
  const web = (change: Partial<RelationshipSpec> = {}): Relationship => {
    const { bootstrap: _, ...rest } = spec({ bundleEndpointProfile: { type: 'https_web' }, ...change });
    return rest;
  };

  interface Opened {
    readonly federation: Federation;
    readonly clock: HandClock;
    readonly store: FederationStore;
    readonly changes: () => number;
    readonly audit: () => Promise<readonly string[]>;
    /** Fires the timer and waits until the next one is set: one poll is over. */
    readonly poll: () => Promise<void>;
    readonly problem: () => string;
  }

  async function open(relationships: readonly Relationship[], store = createMemoryFederationStore()): Promise<Opened> {
    const hand = new HandClock();
    const journal = await Journal.open(createMemoryJournalStore(), hand);
    const federation = new Federation({
      store,
      journal,
      clock: hand,
      webRoots: bundleToPem(partner.bundle()),
      ownBundle: () => home.bundle(),
      failed: (error) => {
        throw error;
      },
    });
    let changes = 0;
    federation.onChanged(() => (changes += 1));
    await federation.relate(relationships);
    const poll = async (): Promise<void> => {
      await hand.fire();
      await hand.delay();
    };
    return {
      federation,
      clock: hand,
      store,
      changes: () => changes,
      audit: async () =>
        (await journal.read({ stream: 'audit', limit: 100, order: 'oldest-first' })).map(({ kind }) => kind),
      poll,
      problem: () => federation.status()[0]?.problem ?? 'no relationship',
    };
  }

  const domain = TrustDomain.of(PARTNER);
  const rootsOf = ({ federation }: Opened): readonly string[] =>
    (federation.bundle(domain)?.roots ?? []).map((der) => Buffer.from(der).toString('hex'));
  const hexOf = (bundle: TrustBundle): readonly string[] => bundle.roots.map((der) => Buffer.from(der).toString('hex'));

  it('by https_spiffe begins with the first bundle and goes on with what the endpoint says', async () => {
    const opened = await open([spec()]);
    assert.deepEqual(rootsOf(opened), hexOf(partnerBundle), 'at once, before anybody was asked');
    const next: TrustBundle = {
      ...partnerBundle,
      roots: [...partnerBundle.roots, ...impostor.bundle().roots],
      sequence: 2,
    };
    answer = (response) => response.end(bundleToJson(next));
    await opened.poll();
    assert.equal(opened.problem(), '');
    assert.deepEqual(rootsOf(opened), hexOf(next));
    assert.deepEqual(await opened.audit(), ['FEDERATION_BEGUN', 'FEDERATION_BUNDLE_CHANGED']);
  });

  it('by https_web trusts nobody before the first answer', async () => {
    const opened = await open([web()]);
    assert.equal(opened.federation.bundle(domain), undefined);
    await opened.poll();
    assert.equal(opened.problem(), '');
    assert.deepEqual(rootsOf(opened), hexOf(partnerBundle));
  });

  it('polls as often as the bundle hints, every 10 seconds at most, and every 5 minutes where it does not', async () => {
    const opened = await open([web()]);
    assert.equal(await opened.clock.delay(), 0, 'at once');
    await opened.poll();
    assert.equal(await opened.clock.delay(), 60_000);
    answer = (response) => response.end(bundleToJson({ ...partnerBundle, refreshHintSeconds: 1 }));
    await opened.poll();
    assert.equal(await opened.clock.delay(), 10_000);
    const { refreshHintSeconds: _, ...silent } = partnerBundle;
    answer = (response) => response.end(bundleToJson(silent));
    await opened.poll();
    assert.equal(await opened.clock.delay(), 300_000);
  });

  it('waits for the next poll when one fails, keeps the last good bundle, and records the same problem once', async () => {
    const opened = await open([spec()]);
    await opened.poll();
    answer = (response) => response.writeHead(503).end();
    await opened.poll();
    await opened.poll();
    assert.equal(opened.problem(), 'answered 503');
    assert.equal(await opened.clock.delay(), 60_000);
    assert.deepEqual(rootsOf(opened), hexOf(partnerBundle));
    assert.deepEqual(await opened.audit(), ['FEDERATION_BEGUN', 'FEDERATION_BUNDLE_UNAVAILABLE']);
    answer = (response) => response.end(bundleToJson(partnerBundle));
    await opened.poll();
    assert.equal(opened.problem(), '');
  });

  it('takes the same keys in another order, as the endpoint of SPIRE gives them, for no change', async () => {
    const keys = [1, 2].map((number): JwtAuthority => {
      const jwk = toPublicJwk(generateKeyPair().publicKey.export({ type: 'spki', format: 'der' }));
      assert.ok(jwk);
      return { keyId: `key-${number}`, jwk };
    });
    const roots = [...partnerBundle.roots, ...impostor.bundle().roots];
    const opened = await open([spec({ trustDomainBundle: bundleToJson({ ...partnerBundle, roots }) })]);
    answer = (response) => response.end(bundleToJson({ ...partnerBundle, roots, jwtAuthorities: keys }));
    await opened.poll();
    const before = opened.changes();
    const turned = { roots: roots.toReversed(), jwtAuthorities: keys.toReversed() };
    answer = (response) => response.end(bundleToJson({ ...partnerBundle, ...turned }));
    await opened.poll();
    assert.deepEqual([opened.changes(), opened.problem()], [before, '']);
    assert.deepEqual(await opened.audit(), ['FEDERATION_BEGUN', 'FEDERATION_BUNDLE_CHANGED']);
  });

  const bad: readonly (readonly [rule: string, body: string | Uint8Array, problem: RegExp])[] = [
    ['JSON that is none', 'keys', /is not JSON/],
    ['a member named twice', '{"keys":[],"keys":[]}', /names a member twice/],
    ['half a bundle', '{"keys":[{"use":"x509-svid","kty":"EC","x5c":["AAAA"]}]}', /not a certificate/],
    ['bytes that are no UTF-8', Uint8Array.of(0xff, 0xfe), /not UTF-8/],
    ['more than a MiB', ' '.repeat(1024 * 1024 + 1), /larger than 1048576 bytes/],
  ];
  for (const [rule, body, problem] of bad) {
    it(`takes a bundle whole or not at all: ${rule}`, async () => {
      const opened = await open([spec()]);
      answer = (response) => response.end(body);
      await opened.poll();
      assert.match(opened.problem(), problem);
      assert.deepEqual(rootsOf(opened), hexOf(partnerBundle));
    });
  }

  it('takes a bundle without keys for what it says: nobody of that domain is trusted', async () => {
    const opened = await open([spec()]);
    answer = (response) => response.end('{"keys":[],"spiffe_sequence":9}');
    await opened.poll();
    assert.deepEqual([rootsOf(opened), opened.problem()], [[], '']);
  });

  it('by https_spiffe takes nobody but the identity that the relationship names', async () => {
    const wrong = await open([spec({ bundleEndpointUrl: await serve(partner, `spiffe://${PARTNER}/ns/web/sa/shop`) })]);
    await wrong.poll();
    assert.match(wrong.problem(), /the endpoint is spiffe:\/\/partner.example\/ns\/web\/sa\/shop, not/);
    const stranger = await open([spec({ bundleEndpointUrl: await serve(impostor, ENDPOINT) })]);
    await stranger.poll();
    assert.match(stranger.problem(), /certificate|signature|verify/i);
    assert.equal(calls, 0, 'nobody was asked anything');
  });

  it('by https_spiffe never judges an endpoint by the roots of another domain', async () => {
    const other = await authorityOf('other.example', clock);
    const bundle = { ...other.bundle(), refreshHintSeconds: 60 };
    const theirs = spec({
      trustDomain: 'other.example',
      trustDomainBundle: bundleToJson(bundle),
      bundleEndpointProfile: { type: 'https_spiffe', endpointSpiffeId: 'spiffe://other.example/ns/a/sa/b' },
    });
    const opened = await open([theirs, spec()]);
    await opened.clock.fire();
    await until('the refusal', () => opened.problem() !== '');
    assert.match(opened.problem(), /certificate/, 'the server is of partner.example');
  });

  it('by https_spiffe may lead to an endpoint of a domain that is known otherwise', async () => {
    const served = await serve(home, 'spiffe://cluster.local/ns/istio-system/sa/relay');
    const { bootstrap: _, ...relayed } = spec({
      bundleEndpointUrl: served,
      bundleEndpointProfile: {
        type: 'https_spiffe',
        endpointSpiffeId: 'spiffe://cluster.local/ns/istio-system/sa/relay',
      },
    });
    const opened = await open([relayed]);
    await opened.poll();
    assert.deepEqual([rootsOf(opened), opened.problem()], [hexOf(partnerBundle), '']);
  });

  it('by https_web asks for a certificate of the public web', async () => {
    const opened = await open([web({ bundleEndpointUrl: await serve(impostor, ENDPOINT) })]);
    await opened.poll();
    assert.match(opened.problem(), /no authority that this machine trusts .* profile https_spiffe/);
    assert.equal(opened.federation.bundle(domain), undefined);
  });

  const redirects: readonly (readonly [status: number, location: () => string, problem: RegExp | ''])[] = [
    [302, () => url, ''],
    [303, () => url, ''],
    [307, () => url, ''],
    [301, () => url, /answered 301/],
    [308, () => url, /answered 308/],
    [302, () => 'http://localhost/bundle', /URL of a redirect must be an https URL/],
    [302, () => url.replace('https://', 'https://me@'), /URL of a redirect must not hold user information/],
    [302, () => 'https://[::ffff:169.254.169.254]/latest', /URL of a redirect cannot be followed: .* is no address/],
    [302, () => '', /answered 302|redirect/],
  ];
  for (const [status, location, problem] of redirects) {
    it(`${status} to ${location().replaceAll(/\d{2,}/g, '') || 'the endpoint itself'}: ${problem === '' ? 'followed' : 'not followed'}`, async () => {
      const target = location();
      const opened = await open([spec()]);
      answer = (response) => {
        answer = (next) => next.end(bundleToJson({ ...partnerBundle, sequence: 5 }));
        response.writeHead(status, target === '' ? {} : { location: target }).end();
      };
      await opened.poll();
      if (problem === '') assert.equal(opened.problem(), '');
      else assert.match(opened.problem(), problem);
      assert.equal(opened.federation.bundle(domain)?.sequence, problem === '' ? 5 : 1);
      assert.equal(opened.federation.status()[0]?.relationship.url, url, 'a new address is never remembered');
    });
  }

  it('a redirect by https_spiffe leads to nobody but the same identity', async () => {
    const elsewhere = await serve(partner, `spiffe://${PARTNER}/ns/web/sa/shop`);
    const opened = await open([spec()]);
    answer = (response) => response.writeHead(302, { location: elsewhere }).end();
    await opened.poll();
    assert.match(opened.problem(), /the endpoint is .*\/sa\/shop, not/);
  });

  it('redirects end', async () => {
    const opened = await open([spec()]);
    answer = (response) => response.writeHead(302, { location: url }).end();
    await opened.poll();
    assert.equal(opened.problem(), 'more than 5 redirects');
    assert.equal(calls, 6);
  });

  it('goes on after a restart with the last good bundle, not with the first one', async () => {
    const opened = await open([spec()]);
    answer = (response) => response.end(bundleToJson({ ...partnerBundle, sequence: 7 }));
    await opened.poll();
    opened.federation.close();
    const again = await open([spec()], opened.store);
    assert.equal(again.federation.bundle(domain)?.sequence, 7);
    assert.deepEqual(await again.audit(), [], 'it did not begin anew');
  });

  it('goes back to the first bundle where what was kept cannot be read', async () => {
    const opened = await open([spec()]);
    await opened.poll();
    opened.federation.close();
    const [record] = await opened.store.federatedBundles();
    assert.ok(record);
    await opened.store.putFederatedBundle({ ...record, document: 'damaged' });
    const again = await open([spec()], opened.store);
    assert.deepEqual(rootsOf(again), hexOf(partnerBundle));
    assert.match(again.problem(), /last bundle cannot be used/);
    await again.poll();
    assert.equal(again.problem(), '');
  });

  it('begins anew with another first bundle: the way back when an endpoint lost its keys', async () => {
    const opened = await open([spec()]);
    await opened.poll();
    await opened.federation.relate([spec({ trustDomainBundle: bundleToJson({ ...impostor.bundle(), sequence: 1 }) })]);
    assert.deepEqual(rootsOf(opened), hexOf(impostor.bundle()));
  });

  it('ends at once when the relationship does, in memory and in the store', async () => {
    const opened = await open([spec()]);
    const before = opened.changes();
    await opened.federation.relate([]);
    assert.equal(opened.federation.bundle(domain), undefined);
    assert.deepEqual(await opened.store.federatedBundles(), []);
    assert.ok(opened.changes() > before);
    assert.equal(opened.clock.pending, 0);
    assert.equal((await opened.audit()).at(-1), 'FEDERATION_ENDED');
  });

  it('takes nothing from an answer that comes after the end', async () => {
    const opened = await open([spec()]);
    const asked = Promise.withResolvers<ServerResponse>();
    answer = (response) => asked.resolve(response);
    await opened.clock.fire();
    const response = await asked.promise;
    await opened.federation.relate([]);
    response.end(bundleToJson({ ...partnerBundle, sequence: 9 }));
    await once(response, 'close');
    assert.deepEqual(await opened.store.federatedBundles(), []);
    assert.equal(opened.federation.bundle(domain), undefined);
  });

  it('forgets at the start what no relationship asks for any more', async () => {
    const opened = await open([spec()]);
    opened.federation.close();
    const again = await open([], opened.store);
    assert.deepEqual([await again.store.federatedBundles(), again.federation.bundles()], [[], []]);
  });

  it('of two relationships to one domain takes the first, and of one to this domain itself nothing', async () => {
    const own = spec({ trustDomain: 'cluster.local' });
    const opened = await open([spec(), web({ bundleEndpointUrl: 'https://localhost:1/' }), own]);
    assert.deepEqual(
      opened.federation.status().map(({ relationship: { profile } }) => profile.type),
      ['https_spiffe'],
    );
  });

  it('says why a first bundle cannot be used, and trusts nobody', async () => {
    const opened = await open([spec({ trustDomainBundle: '{"keys":[{}],"keys":[]}' })]);
    assert.match(opened.problem(), /first bundle cannot be used/);
    await opened.poll();
    assert.match(opened.problem(), /there is no bundle of partner.example to judge the endpoint with/);
    assert.equal(opened.federation.bundle(domain), undefined);
  });
});
