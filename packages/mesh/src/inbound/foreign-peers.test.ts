import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';

import { ENFORCED_IN_PROCESS, parseResource, TrustDomain } from '@rampart/core';
import type { Clock, Resource } from '@rampart/core';
import { forge, TestCa, until } from '@rampart/testkit';
import type { TestSvid } from '@rampart/testkit';

import { SvidSource } from '../identity/svid-source.ts';
import { createSvid } from '../identity/svid.ts';
import { MeshView } from '../view/mesh-view.ts';
import type { InboundConnection } from './connection.ts';
import { Gate } from './gate.ts';
import type { Refusal } from './gate.ts';

const clock: Clock = {
  now: () => Date.now(),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
const log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };

type Credentials = Pick<TestSvid, 'certPem' | 'keyPem'>;

/** A good SVID but for the trust domain that it names. */
const forged = (ca: TestCa, id: string): Credentials =>
  forge(ca, {
    extensions: [
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature',
      'extendedKeyUsage=serverAuth,clientAuth',
      `subjectAltName=URI:${id}`,
    ],
  });

describe('peers of other trust domains', () => {
  let home: TestCa;
  let partner: TestCa;
  let other: TestCa;
  let view: MeshView;
  let identity: SvidSource;
  let server: Server;
  let revision = 0;
  const ports: (() => void)[] = [];
  const accepted: InboundConnection[] = [];
  const refused: Refusal[] = [];
  const held: TLSSocket[] = [];

  before(async () => {
    [home, partner, other] = (await Promise.all(
      ['cluster.local', 'partner.example', 'other.example'].map((domain) => TestCa.create(domain, Date.now())),
    )) as [TestCa, TestCa, TestCa];
    const own = await home.issue(Date.now(), { namespace: 'default', serviceAccount: 'orders' });
    const bundle = {
      trustDomain: TrustDomain.of('cluster.local'),
      roots: [home.rootDer],
      jwtAuthorities: [],
      sequence: 1,
    };
    const svid = createSvid({ ...own, chain: [own.der], bundle });
    const issuer = { attest: () => Promise.resolve(svid), renew: () => Promise.resolve(svid) };
    identity = new SvidSource({ issuer, clock, random: () => 0.5, log });
    view = new MeshView({ rootNamespace: 'istio-system', capabilities: ENFORCED_IN_PROCESS });
    view.setWorkload({ namespace: 'default', serviceAccount: 'orders', labels: {} }, 'cluster.local');
    server = await openPort();
    identity.start();
    await until('an identity', () => identity.current);
  });

  beforeEach(() => {
    accepted.length = 0;
    refused.length = 0;
  });

  after(() => {
    for (const socket of held) socket.destroy();
    for (const close of ports) close();
  });

  async function openPort(): Promise<Server> {
    const listening = createServer((socket) => gate.enter(socket)).listen(0, '127.0.0.1');
    await once(listening, 'listening');
    const gate = new Gate({
      view,
      identity,
      clock,
      port: (listening.address() as AddressInfo).port,
      accept: (connection) => {
        accepted.push(connection);
        connection.socket.on('error', () => {}).resume();
        connection.socket.write('welcome');
      },
      refuse: (refusal) => refused.push(refusal),
    });
    ports.push(() => {
      gate.close();
      listening.close();
    });
    return listening;
  }

  /** What the control plane says: the roots of these domains, and these policies. */
  const tell = (
    domains: readonly (readonly [domain: string, ca: TestCa])[],
    ...resources: readonly Resource[]
  ): void => {
    revision += 1;
    view.apply({
      revision,
      reset: true,
      resources: resources.map((each) => [`${each.kind}/default/${each.metadata.name}`, each] as const),
      services: [],
      revokedSerials: [],
      foreignBundles: domains.map(([domain, ca]) => ({ trustDomain: TrustDomain.of(domain), roots: [ca.rootDer] })),
    });
  };

  const allow = (principal: string): Resource => {
    const parsed = parseResource({
      apiVersion: 'security.istio.io/v1',
      kind: 'AuthorizationPolicy',
      metadata: { name: 'who', namespace: 'default' },
      spec: { rules: [{ from: [{ source: { principals: [principal] } }] }] },
    });
    assert.ok(parsed.ok);
    return parsed.value;
  };

  async function attempt({ certPem, keyPem }: Credentials, at = server): Promise<string> {
    const { port } = at.address() as AddressInfo;
    const options = { cert: certPem, key: keyPem, ca: home.rootPem, checkServerIdentity: () => undefined };
    const socket = connect({ port, host: '127.0.0.1', ...options });
    held.push(socket);
    socket.on('error', () => {});
    const outcome = Promise.withResolvers<string>();
    socket.once('data', () => outcome.resolve('welcome'));
    socket.once('close', () => outcome.resolve('closed'));
    return outcome.promise;
  }

  const svidOf = (ca: TestCa): Promise<TestSvid> => ca.issue(Date.now(), { namespace: 'web', serviceAccount: 'shop' });

  it('are refused without a bundle of their domain', async () => {
    tell([]);
    assert.equal(await attempt(await svidOf(partner)), 'closed');
    assert.equal(await attempt(await svidOf(home)), 'welcome');
  });

  it('are let in by the bundle of their own domain, under their own name', async () => {
    tell([['partner.example', partner]]);
    assert.equal(await attempt(await svidOf(partner)), 'welcome');
    assert.equal(accepted[0]?.sourcePrincipal, 'spiffe://partner.example/ns/web/sa/shop');
    assert.equal(await attempt(await svidOf(other)), 'closed');
    assert.equal(await attempt(await svidOf(home)), 'welcome');
  });

  it('are let in at a port that opens after their bundle came', async () => {
    tell([['partner.example', partner]]);
    const late = await openPort();
    assert.equal(await attempt(await svidOf(partner), late), 'welcome');
    assert.equal(await attempt(await svidOf(other), late), 'closed');
    assert.equal(await attempt(await svidOf(home), late), 'welcome');
  });

  it('are not let in by the bundle of another federated domain', async () => {
    tell([
      ['partner.example', partner],
      ['other.example', other],
    ]);
    assert.equal(await attempt(forged(partner, 'spiffe://other.example/ns/web/sa/shop')), 'closed');
    assert.match(refused.at(-1)?.reason ?? '', /UNTRUSTED/);
    assert.equal(await attempt(await svidOf(other)), 'welcome');
  });

  it('cannot speak for this trust domain: its own roots do, and no others', async () => {
    tell([['partner.example', partner]]);
    assert.equal(await attempt(forged(partner, 'spiffe://cluster.local/ns/default/sa/admin')), 'closed');
    assert.match(refused.at(-1)?.reason ?? '', /UNTRUSTED/);
  });

  it('cannot speak for a domain that is not federated', async () => {
    tell([['partner.example', partner]]);
    assert.equal(await attempt(forged(partner, 'spiffe://unknown.example/ns/a/sa/b')), 'closed');
    assert.match(refused.at(-1)?.reason ?? '', /no trust in trust domain unknown.example/);
  });

  it('and those of this domain do not become members of theirs', async () => {
    tell([['partner.example', partner]]);
    assert.equal(await attempt(forged(home, 'spiffe://partner.example/ns/web/sa/shop')), 'closed');
  });

  it('are judged by policies under the principal of their domain', async () => {
    const domains = [
      ['partner.example', partner],
      ['other.example', other],
    ] as const;
    tell(domains, allow('partner.example/ns/web/sa/shop'));
    assert.equal(await attempt(await svidOf(partner)), 'welcome');
    for (const [index, ca] of [partner, other, home].entries()) {
      assert.equal(await attempt(await svidOf(ca)), 'welcome', 'TLS lets all of them in');
      const verdict = accepted.at(-1)?.policy.admit();
      assert.equal(verdict?.decision, index === 0 ? undefined : 'DENY');
    }
  });

  for (const [rule, domains] of [
    ['the relationship ends', (): readonly [] => []],
    [
      'their domain has another root and the old one no longer',
      (): readonly [[string, TestCa]] => [['partner.example', other]],
    ],
  ] as const) {
    it(`lose open connections when ${rule}; others keep theirs`, async () => {
      tell([['partner.example', partner]]);
      assert.equal(await attempt(await svidOf(partner)), 'welcome');
      assert.equal(await attempt(await svidOf(home)), 'welcome');
      const [theirs, ours] = accepted.map(({ socket }) => socket);
      tell(domains());
      await until('the closing', () => theirs?.destroyed === true);
      assert.equal(ours?.destroyed, false);
      assert.ok(refused.some(({ peer }) => peer.includes('partner.example')));
    });
  }
});
