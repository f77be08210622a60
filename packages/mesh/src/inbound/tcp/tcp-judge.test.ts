import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';

import { ENFORCED_IN_PROCESS, SpiffeId } from '@rampart/core';
import type { Resource, Verdict } from '@rampart/core';
import { parseDocuments } from '@rampart/core/documents';
import { until } from '@rampart/testkit';
import { FakeClock } from '@rampart/testkit/fake-clock';

import { MeshView } from '../../view/mesh-view.ts';
import { InboundConnection } from '../connection.ts';
import { ExternalAuthorizer } from '../external/external-authorizer.ts';
import { clock as realClock, Connections } from '../external/testing/ask.ts';
import { GrpcAuthorizer } from '../external/testing/grpc-authorizer.ts';
import { TcpJudge } from './tcp-judge.ts';
import type { Stay } from './tcp-judge.ts';
import { Permit } from '../authorize.ts';
import { deliverConnection, TcpPermit } from './tcp-permit.ts';

const HOUR_MS = 3_600_000;
const PORT = 5432;

function resources(...documents: string[]): Resource[] {
  const parsed = parseDocuments(documents.join('\n---\n'), { file: 'test.yaml', defaultNamespace: 'default' });
  assert.deepEqual(
    parsed.problems.filter(({ severity }) => severity === 'error'),
    [],
  );
  return [...parsed.resources];
}

const policy = (spec: string, name = 'policy'): string =>
  `{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: ${name}}, spec: ${spec}}`;
const allow = (rule: string): string => policy(`{rules: [${rule}]}`);
const deny = (rule: string): string => policy(`{action: DENY, rules: [${rule}]}`, 'deny');
const strict = `{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: default, namespace: istio-system}, spec: {mtls: {mode: STRICT}}}`;
const network = (ingress: string): string =>
  `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: segment}, spec: {podSelector: {}, ingress: [${ingress}]}}`;
const tokens = `{apiVersion: rampart.dev/v1, kind: ServiceTokenPolicy, metadata: {name: tokens}, spec: {issuer: "https://issuer", jwks: '{"keys":[]}', audience: "service:db", rules: [{scopes: [read]}]}}`;
const authentication = `{apiVersion: security.istio.io/v1, kind: RequestAuthentication, metadata: {name: users}, spec: {jwtRules: [{issuer: "https://issuer", jwks: '{"keys":[]}'}]}}`;

const fromUsers = 'from: [{source: {principals: [cluster.local/ns/default/sa/users-api]}}]';

/** What happened to a connection. */
interface Fate {
  permit?: TcpPermit;
  refused?: Verdict;
  stay: Stay;
}

describe('a connection without HTTP', () => {
  const clock = new FakeClock();
  const view = new MeshView({ rootNamespace: 'istio-system', capabilities: ENFORCED_IN_PROCESS });
  const connections = new Connections();
  const external = new ExternalAuthorizer({ connect: connections.connect, clock: realClock });
  const judge = new TcpJudge({ view, external, clock, ownPrincipal: () => 'spiffe://cluster.local/ns/default/sa/db' });
  const sockets: Socket[] = [];
  let server: Server;
  let grpc: GrpcAuthorizer;
  let revision = 0;

  const apply = (...documents: string[]): void => {
    revision += 1;
    const named = resources(...documents).map(
      (each) => [`${each.kind}/${each.metadata.namespace}/${each.metadata.name}`, each] as const,
    );
    view.apply({ revision, reset: true, resources: named, services: [], revokedSerials: [] });
  };
  const provider = (name: string): string =>
    `{apiVersion: rampart.dev/v1, kind: MeshConfig, metadata: {name: default, namespace: istio-system}, spec: {extensionProviders: [{name: ${name}, envoyExtAuthzGrpc: {service: authz.default.svc, port: ${grpc.port}}}]}}`;

  before(async () => {
    view.setWorkload({ namespace: 'default', serviceAccount: 'db', labels: { app: 'db' } }, 'cluster.local');
    server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    grpc = await GrpcAuthorizer.start();
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    grpc.decide = () => ({});
  });
  after(async () => {
    judge.close();
    external.close();
    server.close();
    await grpc.stop();
  });

  async function connection(serviceAccount: string): Promise<InboundConnection> {
    const before = sockets.length;
    connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {});
    const socket = await until('a connection', () => sockets[before]);
    const peer =
      serviceAccount === 'plaintext'
        ? undefined
        : {
            spiffeId: SpiffeId.of(`spiffe://cluster.local/ns/default/sa/${serviceAccount}`),
            serial: `0${sockets.length}`,
            notBefore: clock.now(),
            notAfter: clock.now() + HOUR_MS,
            authorityKeyId: new Uint8Array(),
          };
    return new InboundConnection(
      { socket, peer, tlsVersion: 'TLSv1.3', port: PORT, sni: '', openedAt: clock.now() },
      view,
      undefined,
    );
  }

  async function enter(serviceAccount = 'users-api'): Promise<Fate> {
    const fate: Partial<Fate> = {};
    const stay = judge.enter({
      connection: await connection(serviceAccount),
      admitted: (permit) => (fate.permit = permit),
      refused: (verdict) => (fate.refused = verdict),
    });
    return Object.assign(fate, { stay });
  }

  const cases: readonly [rule: string, documents: readonly string[], fate: 'in' | RegExp, caller?: 'plaintext'][] = [
    ['nothing denies it', [], 'in'],
    ['an ALLOW rule takes its caller', [allow(`{${fromUsers}}`)], 'in'],
    ['an ALLOW rule takes its port', [allow(`{to: [{operation: {ports: ["${PORT}"]}}]}`)], 'in'],
    ['an ALLOW rule takes another port', [allow('{to: [{operation: {ports: ["80"]}}]}')], /port 5432 is not in/],
    [
      'an ALLOW rule that asks for HTTP never matches',
      [allow(`{${fromUsers}, to: [{operation: {methods: [GET]}}]}`)],
      /asks for HTTP/,
    ],
    [
      'not even with an operation beside that does not',
      [allow(`{to: [{operation: {methods: [GET]}}, {operation: {ports: ["${PORT}"]}}]}`)],
      /asks for HTTP/,
    ],
    [
      'an ALLOW rule about tokens never matches',
      [allow('{from: [{source: {requestPrincipals: ["*"]}}]}')],
      /asks for HTTP/,
    ],
    [
      'a DENY rule matches by what is left of it',
      [deny(`{to: [{operation: {methods: [POST], ports: ["${PORT}"]}}]}`)],
      /^rules\[0\] of DENY policy default\/deny matched/,
    ],
    ['a DENY rule about another port', [deny('{to: [{operation: {methods: [POST], ports: ["80"]}}]}')], 'in'],
    [
      'a DENY rule of which nothing is left denies',
      [deny('{to: [{operation: {methods: [POST]}}]}')],
      /^rules\[0\] of DENY policy default\/deny matched/,
    ],
    [
      'a condition on a header is left out of a DENY rule',
      [deny('{when: [{key: "request.headers[x]", values: [a]}]}')],
      /^rules\[0\] of DENY policy default\/deny matched/,
    ],
    ['plaintext where mutual TLS is asked for', [strict], /plaintext refused/, 'plaintext'],
    ['plaintext where it is not', [], 'in', 'plaintext'],
    ['a NetworkPolicy that takes its address', [network('{from: [{ipBlock: {cidr: 127.0.0.0/8}}]}')], 'in'],
    [
      'a NetworkPolicy that takes nobody',
      [network('{from: [{ipBlock: {cidr: 192.0.2.0/24}}]}')],
      /NetworkPolicy default\/segment/,
    ],
    ['a RequestAuthentication asks nobody for a token', [authentication], 'in'],
    ['a ServiceTokenPolicy asks everybody for one', [tokens], /ServiceTokenPolicy default\/tokens asks for a token/],
  ];
  for (const [rule, documents, expected, caller] of cases) {
    it(rule, async () => {
      apply(...documents);
      const { permit, refused, stay } = await enter(caller);
      if (expected === 'in') {
        assert.equal(refused, undefined);
        assert.ok(permit);
        assert.equal(
          deliverConnection(permit, ({ sourcePrincipal }) => sourcePrincipal),
          permit.connection.sourcePrincipal,
        );
      } else {
        assert.equal(permit, undefined);
        assert.match(refused?.reason ?? '', expected);
      }
      stay.leave();
      assert.equal(judge.open, 0);
    });
  }

  it('is let through by nothing that only has the form of a permit', async () => {
    apply();
    const { permit, stay } = await enter();
    assert.ok(permit);
    const { verdict } = permit;
    // @ts-expect-error -- only TcpPermit.judge makes one: nothing else is one
    const forged: TcpPermit = { denied: false, verdict, connection: permit.connection };
    assert.ok(!(forged instanceof TcpPermit));
    // @ts-expect-error -- what lets a whole connection through lets no request through
    const other: Permit = permit;
    assert.ok(!(other instanceof Permit));
    // @ts-expect-error -- only Permit.judge makes one: nothing else is one
    const request: Permit = { denied: false, verdict };
    assert.ok(!(request instanceof Permit));
    stay.leave();
  });

  it('is denied while there was no snapshot of policy', async () => {
    const fresh = new MeshView({ rootNamespace: 'istio-system', capabilities: ENFORCED_IN_PROCESS });
    const { socket } = await connection('users-api');
    const unknown = new InboundConnection(
      { socket, peer: undefined, tlsVersion: '', port: PORT, sni: '', openedAt: 0 },
      fresh,
      undefined,
    );
    const refused: Verdict[] = [];
    judge.enter({ connection: unknown, admitted: () => assert.fail(), refused: (verdict) => refused.push(verdict) });
    assert.equal(refused.length, 1);
  });

  it('is put out when policies take it no more, though they would take a request', async () => {
    apply(allow(`{${fromUsers}}`));
    const users = await enter();
    apply(allow(`{${fromUsers}, to: [{operation: {methods: [GET]}}]}`));
    assert.match(users.refused?.reason ?? '', /asks for HTTP/);
    assert.equal(judge.open, 0);
  });

  it('stays through changes that take nothing from it', async () => {
    apply(allow(`{${fromUsers}}`));
    const fate = await enter();
    apply(allow(`{${fromUsers}}`), deny('{to: [{operation: {ports: ["80"]}}]}'));
    assert.equal(fate.refused, undefined);
    assert.equal(judge.open, 1);
    fate.stay.leave();
  });

  it('is put out when its certificate is revoked', async () => {
    apply();
    const fate = await enter();
    const serial = fate.permit?.connection.peer?.serial ?? '';
    view.apply({ revision: (revision += 1), reset: false, resources: [], services: [], revokedSerials: [serial] });
    assert.match(fate.refused?.reason ?? '', /is revoked/);
  });

  it('is put out when its certificate has ended', async () => {
    apply();
    const fate = await enter();
    await clock.advance(HOUR_MS);
    assert.equal(judge.open, 1);
    await clock.advance(1);
    assert.match(fate.refused?.reason ?? '', /has expired/);
  });

  describe('where a CUSTOM policy is about it', () => {
    const custom = (name = 'asks'): string =>
      policy(`{action: CUSTOM, provider: {name: ${name}}, rules: [{to: [{operation: {paths: [/x]}}]}]}`, 'asks');

    it('waits for the authorizer, which is told of both ends', async () => {
      apply(provider('asks'), custom());
      const fate = await enter();
      assert.equal(fate.permit, undefined);
      await until('the answer', () => fate.permit);
      assert.equal(grpc.last.attributes?.source?.principal, 'spiffe://cluster.local/ns/default/sa/users-api');
      assert.equal(grpc.last.attributes.request, undefined);
      fate.stay.leave();
    });

    it('is denied when the authorizer says no', async () => {
      apply(provider('asks'), custom());
      grpc.decide = () => ({ status: { code: 7 } });
      const fate = await enter();
      const { policy: by, reason } = await until('the answer', () => fate.refused);
      assert.equal(by, 'default/asks');
      assert.match(reason, /said no/);
      assert.equal(fate.permit, undefined);
    });

    it('is denied by other policies though the authorizer says yes', async () => {
      apply(provider('asks'), custom(), deny('{}'));
      const fate = await enter();
      assert.equal((await until('the verdict', () => fate.refused)).policy, 'default/deny');
    });

    it('nobody waits any longer for the answer when the connection is gone', async () => {
      apply(provider('asks'), custom());
      const asked = Promise.withResolvers<void>();
      grpc.decide = (_asked, caller) => {
        asked.resolve();
        return once(caller, 'abort').then(() => ({}));
      };
      const fate = await enter();
      await asked.promise;
      fate.stay.leave();
      assert.equal(fate.permit ?? fate.refused, undefined);
      assert.equal(judge.open, 0);
    });

    it('an open connection is asked about when the policy comes later, and put out by a no', async () => {
      apply();
      const fate = await enter();
      assert.ok(fate.permit);
      grpc.decide = () => ({ status: { code: 7 } });
      apply(provider('asks'), custom());
      await until('the answer', () => fate.refused);
    });

    it('an open connection that is being asked about is put out by others meanwhile', async () => {
      apply();
      const fate = await enter();
      grpc.decide = (_asked, caller) => once(caller, 'abort').then(() => ({}));
      apply(provider('asks'), custom());
      apply(provider('asks'), custom(), deny('{}'));
      assert.equal(fate.refused?.policy, 'default/deny');
    });
  });
});
