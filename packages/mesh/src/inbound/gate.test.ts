import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';

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
const workload = { namespace: 'default', serviceAccount: 'orders-api', labels: { app: 'orders-api' } };

function resource(json: unknown): Resource {
  const parsed = parseResource(json);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

const mode = (value: string): Resource =>
  resource({
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    metadata: { name: 'default', namespace: 'istio-system' },
    spec: { mtls: { mode: value } },
  });

const allow = (principal: string): Resource =>
  resource({
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name: 'who', namespace: 'default' },
    spec: { rules: [{ from: [{ source: { principals: [principal] } }] }] },
  });

/** Selects the workload of this test; `from` says who may come in. */
const network = (from: readonly object[]): Resource =>
  resource({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'segment', namespace: 'default' },
    spec: { podSelector: { matchLabels: { app: 'orders-api' } }, ingress: [{ from }] },
  });

describe('gate', () => {
  let ca: TestCa;
  let stranger: TestCa;
  let own: TestSvid;
  let caller: TestSvid;
  let server: Server;
  let gate: Gate;
  let view: MeshView;
  let revision = 0;
  const accepted: InboundConnection[] = [];
  const refused: Refusal[] = [];

  const apply = (...resources: Resource[]): void => {
    revision += 1;
    const named = resources.map(
      (each) => [`${each.kind}/${each.metadata.namespace}/${each.metadata.name}`, each] as const,
    );
    view.apply({ revision, reset: true, resources: named, services: [], revokedSerials: [] });
  };

  before(async () => {
    ca = await TestCa.create('cluster.local', Date.now());
    stranger = await TestCa.create('evil.example', Date.now());
    own = await ca.issue(Date.now(), { namespace: 'default', serviceAccount: 'orders-api' });
    caller = await ca.issue(Date.now(), { namespace: 'default', serviceAccount: 'users-api' });
    const svid = createSvid({
      ...own,
      chain: [own.der],
      bundle: { trustDomain: TrustDomain.of('cluster.local'), roots: [ca.rootDer], jwtAuthorities: [], sequence: 1 },
    });
    const issuer = { attest: () => Promise.resolve(svid), renew: () => Promise.resolve(svid) };
    const identity = new SvidSource({ issuer, clock, random: () => 0.5, log });
    view = new MeshView({ rootNamespace: 'istio-system', capabilities: ENFORCED_IN_PROCESS });
    view.setWorkload(workload, 'cluster.local');
    server = createServer((socket) => gate.enter(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    gate = new Gate({
      view,
      identity,
      clock,
      port: port(),
      accept: (connection) => {
        accepted.push(connection);
        connection.socket.on('error', () => {}).resume();
        connection.socket.write('welcome');
      },
      refuse: (refusal) => refused.push(refusal),
    });
    identity.start();
    await until('an identity', () => identity.current);
  });

  after(() => {
    gate.close();
    server.close();
  });

  const port = (): number => (server.address() as AddressInfo).port;

  /** Connects and tells what came of it: a greeting from behind the gate, or a closed connection. */
  async function attempt(options: ConnectionOptions | 'plaintext'): Promise<'welcome' | 'closed'> {
    const socket =
      options === 'plaintext'
        ? connect(port(), '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n'))
        : connectTls({
            port: port(),
            host: '127.0.0.1',
            ca: ca.rootPem,
            checkServerIdentity: () => undefined,
            ...options,
          });
    const outcome = new Promise<'welcome' | 'closed'>((resolve) => {
      socket.once('data', () => resolve('welcome'));
      socket.once('close', () => resolve('closed'));
      socket.on('error', () => {});
    });
    const result = await outcome;
    if (result === 'closed') socket.destroy();
    else held.push(() => socket.destroy());
    return result;
  }
  const held: (() => void)[] = [];
  after(() => {
    for (const release of held) release();
  });

  const peer = (svid: TestSvid): ConnectionOptions => ({ cert: svid.certPem, key: svid.keyPem });

  it('lets a peer of the trust domain in and knows its identity', async () => {
    apply(mode('STRICT'));
    assert.equal(await attempt(peer(caller)), 'welcome');
    assert.equal(accepted.at(-1)?.sourcePrincipal, 'spiffe://cluster.local/ns/default/sa/users-api');
    assert.equal(accepted.at(-1)?.tlsVersion, 'TLSv1.3');
  });

  it('closes a connection on which something comes that is no TLS, and says so', async () => {
    const below = connect(port(), '127.0.0.1');
    const socket = connectTls({ socket: below, ca: ca.rootPem, checkServerIdentity: () => undefined, ...peer(caller) });
    socket.on('error', () => {});
    await once(socket, 'data');
    const connection = accepted.at(-1);
    // A record of application data that nobody has encrypted (RFC 8446 §5.1).
    below.write(Buffer.concat([Buffer.from([23, 3, 3, 0, 64]), Buffer.alloc(64)]));
    await until('the end', () => connection?.socket.destroyed);
    const { kind, reason, peer: who } = refused.at(-1) ?? {};
    assert.deepEqual(
      [kind, reason, who],
      ['protocol_error', 'TLS was broken: decryption failed or bad record mac', connection?.sourcePrincipal],
    );
  });

  const refusals: {
    readonly rule: string;
    readonly kind: string;
    readonly reason: RegExp;
    credentials(): Promise<ConnectionOptions | 'plaintext'>;
  }[] = [
    {
      rule: 'plaintext under STRICT',
      kind: 'plaintext_rejected',
      reason: /asks for mutual TLS/,
      credentials: () => Promise.resolve('plaintext'),
    },
    {
      rule: 'no certificate',
      kind: 'certificate_rejected',
      reason: /NO_CERTIFICATE/,
      credentials: () => Promise.resolve({}),
    },
    {
      rule: 'a certificate of another root with a stolen name',
      kind: 'certificate_rejected',
      reason: /UNTRUSTED/,
      credentials: async () =>
        peer(
          await (
            await TestCa.create('cluster.local', Date.now())
          ).issue(Date.now(), { namespace: 'default', serviceAccount: 'users-api' }),
        ),
    },
    {
      rule: 'a certificate of another trust domain',
      kind: 'certificate_rejected',
      reason: /UNTRUSTED/,
      credentials: async () =>
        peer(await stranger.issue(Date.now(), { namespace: 'default', serviceAccount: 'users-api' })),
    },
    {
      rule: 'another trust domain signed by our own root',
      kind: 'certificate_rejected',
      reason: /WRONG_TRUST_DOMAIN/,
      credentials: () => forged('URI:spiffe://evil.example/ns/default/sa/users-api'),
    },
    {
      rule: 'an expired certificate',
      kind: 'certificate_rejected',
      reason: /EXPIRED/,
      credentials: async () =>
        peer(
          await ca.issue(Date.now(), {
            namespace: 'default',
            serviceAccount: 'users-api',
            notBefore: Date.now() - 20_000,
            notAfter: Date.now() - 5_000,
          }),
        ),
    },
    {
      rule: 'a self-signed certificate',
      kind: 'certificate_rejected',
      reason: /UNTRUSTED/,
      credentials: () =>
        Promise.resolve(
          certificate(
            forge(ca, { extensions: leaf('URI:spiffe://cluster.local/ns/default/sa/users-api'), selfSigned: true }),
          ),
        ),
    },
    {
      rule: 'two URI SANs',
      kind: 'certificate_rejected',
      reason: /MULTIPLE_URI_SANS/,
      credentials: () =>
        forged('URI:spiffe://cluster.local/ns/default/sa/users-api,URI:spiffe://cluster.local/ns/default/sa/admin'),
    },
    {
      rule: 'no URI SAN',
      kind: 'certificate_rejected',
      reason: /NO_URI_SAN/,
      credentials: () => forged('DNS:users-api'),
    },
    {
      rule: 'a CA certificate',
      kind: 'certificate_rejected',
      reason: /CA_CERTIFICATE|BAD_KEY_USAGE/,
      credentials: () =>
        Promise.resolve(
          certificate(
            forge(ca, {
              extensions: [
                'subjectAltName=URI:spiffe://cluster.local/ns/default/sa/users-api',
                'basicConstraints=critical,CA:TRUE',
                'keyUsage=critical,keyCertSign,digitalSignature',
              ],
            }),
          ),
        ),
    },
  ];

  function leaf(san: string): string[] {
    return [
      `subjectAltName=${san}`,
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature',
      'extendedKeyUsage=serverAuth,clientAuth',
    ];
  }
  function certificate(forgery: { certPem: string; keyPem: string }): ConnectionOptions {
    return { cert: forgery.certPem, key: forgery.keyPem };
  }
  function forged(san: string): Promise<ConnectionOptions> {
    return Promise.resolve(certificate(forge(ca, { extensions: leaf(san) })));
  }

  for (const { rule, kind, reason, credentials } of refusals) {
    it(`closes on ${rule} and says why`, async () => {
      apply(mode('STRICT'));
      const before = refused.length;
      assert.equal(await attempt(await credentials()), 'closed');
      const refusal = await until('a refusal', () => refused[before]);
      assert.equal(refusal.kind, kind);
      assert.match(refusal.reason, reason);
      assert.equal(refused.length, before + 1, 'one refusal each');
      assert.match(
        refusal.remoteAddress,
        /^(?:127\.0\.0\.1|::ffff:127\.0\.0\.1|::1):[1-9]\d*$/,
        'says where it came from',
      );
    });
  }

  it('closes on a revoked certificate, and on open connections of it', async () => {
    apply(mode('STRICT'));
    const thief = await ca.issue(Date.now(), { namespace: 'default', serviceAccount: 'thief' });
    assert.equal(await attempt(peer(thief)), 'welcome');
    const open = accepted.at(-1);
    revision += 1;
    view.apply({ revision, reset: false, resources: [], services: [], revokedSerials: [thief.serial] });
    await until('the open connection to close', () => open?.socket.destroyed);
    assert.equal(await attempt(peer(thief)), 'closed');
    assert.match(refused.at(-1)?.reason ?? '', /REVOKED|revoked/);
  });

  it('closes on what a rule revokes, says why, and lets newer certificates of the identity in', async () => {
    apply(mode('STRICT'));
    const old = await ca.issue(Date.now() - 60_000, { namespace: 'default', serviceAccount: 'rotten' });
    const fresh = await ca.issue(Date.now(), { namespace: 'default', serviceAccount: 'rotten' });
    assert.equal(await attempt(peer(old)), 'welcome');
    const open = accepted.at(-1);
    const spiffeId = 'spiffe://cluster.local/ns/default/sa/rotten';
    const until30SecondsAgo = { notBeforeUntil: Date.now() - 30_000, issuedUntil: Date.now() - 30_000 };
    const rule = {
      id: 'r1',
      trustDomain: 'cluster.local',
      spiffeId,
      ...until30SecondsAgo,
      reason: 'keyCompromise',
    } as const;
    revision += 1;
    view.apply({ revision, reset: false, resources: [], services: [], revokedSerials: [], revocationRules: [rule] });
    await until('the open connection to close', () => open?.socket.destroyed);
    assert.equal(await attempt(peer(old)), 'closed');
    assert.match(
      refused.at(-1)?.reason ?? '',
      /REVOKED: every certificate of .*rotten issued until .* \(keyCompromise\)/,
    );
    assert.equal(await attempt(peer(fresh)), 'welcome');
  });

  it('takes plaintext and mutual TLS on the same port under PERMISSIVE', async () => {
    apply(mode('PERMISSIVE'));
    assert.equal(await attempt('plaintext'), 'welcome');
    assert.equal(accepted.at(-1)?.peer, undefined);
    assert.equal(await attempt(peer(caller)), 'welcome');
    assert.equal(accepted.at(-1)?.peer?.spiffeId.serviceAccount, 'users-api');
  });

  describe('under a NetworkPolicy', () => {
    const fromUsers = network([{ podSelector: { matchLabels: { app: 'users-api' } } }]);
    const principal = 'spiffe://cluster.local/ns/default/sa/users-api';

    const introduce = (...variants: { labels: Record<string, string>; serials: string[] }[]): void => {
      revision += 1;
      const peers = {
        reset: true,
        identities: [{ spiffeId: principal, namespace: 'default', variants }],
        namespaces: [],
      };
      view.apply({ revision, reset: false, resources: [], services: [], revokedSerials: [], peers });
    };

    it('lets in whose labels a rule names, and nobody whose labels are not known', async () => {
      apply(mode('STRICT'), fromUsers);
      introduce();
      assert.equal(await attempt(peer(caller)), 'closed');
      assert.equal(refused.at(-1)?.kind, 'policy_denied');
      assert.equal(refused.at(-1)?.peer, principal);
      assert.match(refused.at(-1)?.reason ?? '', /NetworkPolicy default\/segment .*whose labels are not known here/);
      introduce({ labels: { app: 'users-api' }, serials: [] });
      assert.equal(await attempt(peer(caller)), 'welcome');
    });

    it('lets nobody in for a label that only another holder of the identity has', async () => {
      apply(mode('STRICT'), fromUsers);
      const good = { labels: { app: 'users-api' }, serials: ['ffff'] };
      introduce(good, { labels: { app: 'batch' }, serials: ['eeee'] });
      assert.equal(await attempt(peer(caller)), 'closed');
      introduce({ ...good, serials: [caller.serial] }, { labels: { app: 'batch' }, serials: ['eeee'] });
      assert.equal(await attempt(peer(caller)), 'welcome');
      introduce(good, { labels: { app: 'batch' }, serials: [caller.serial] });
      assert.equal(await attempt(peer(caller)), 'closed');
    });

    it('judges open connections again when peers turn out to be others', async () => {
      apply(mode('STRICT'), fromUsers);
      introduce({ labels: { app: 'users-api' }, serials: [] });
      assert.equal(await attempt(peer(caller)), 'welcome');
      const open = accepted.at(-1);
      introduce({ labels: { app: 'batch' }, serials: [] });
      await until('the open connection to close', () => open?.socket.destroyed);
    });

    it('knows plaintext by its address', async () => {
      apply(mode('PERMISSIVE'), fromUsers);
      assert.equal(await attempt('plaintext'), 'closed');
      assert.equal(refused.at(-1)?.kind, 'policy_denied');
      apply(mode('PERMISSIVE'), network([{ ipBlock: { cidr: '127.0.0.0/8' } }]));
      assert.equal(await attempt('plaintext'), 'welcome');
      apply(mode('STRICT'), network([{ ipBlock: { cidr: '127.0.0.0/8' } }]));
      assert.equal(await attempt('plaintext'), 'closed');
      assert.equal(refused.at(-1)?.kind, 'plaintext_rejected');
    });

    it('never cuts a workload off from itself', async () => {
      apply(mode('STRICT'), network([{ podSelector: { matchLabels: { app: 'nobody' } } }]));
      assert.equal(await attempt(peer(own)), 'welcome');
    });
  });

  it('judges open connections again when policy changes', async () => {
    apply(mode('STRICT'), allow('cluster.local/ns/default/sa/users-api'));
    assert.equal(await attempt(peer(caller)), 'welcome');
    const open = accepted.at(-1);
    apply(mode('STRICT'), allow('cluster.local/ns/default/sa/somebody-else'));
    await until('the open connection to close', () => open?.socket.destroyed);
    apply(mode('PERMISSIVE'));
    assert.equal(await attempt('plaintext'), 'welcome');
    const plaintext = accepted.at(-1);
    apply(mode('STRICT'));
    await until('the plaintext connection to close', () => plaintext?.socket.destroyed);
  });
});
