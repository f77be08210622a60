import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { EventEmitter } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { Duplex } from 'node:stream';
import { createServer } from 'node:tls';

import { connectNodeAdapter } from '@connectrpc/connect-node';
import { ENFORCED_IN_PROCESS, SpiffeId, TrustDomain } from '@rampart/core';
import type { Clock } from '@rampart/core';
import { TestCa } from '@rampart/testkit';
import { Authorization } from '@rampart/wire/ext-authz-service';

import { createSvid } from '../../identity/svid.ts';
import { ExternalAuthorizer } from './external-authorizer.ts';
import type { AuthorizerAnswer } from './external-authorizer.ts';
import { callOf, providerAt } from './testing/ask.ts';
import { MESH_ALPN } from '../gate.ts';
import { MeshView } from '../../view/mesh-view.ts';
import { dial } from '../../outbound/dial.ts';
import { Picker } from '../../outbound/pick.ts';
import { resolve } from '../../outbound/resolve.ts';

const clock: Clock = {
  now: () => Date.now(),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Authorizers of both kinds, each behind mutual TLS; remembers who came. */
function startAuthorizers(options: object, callers: string[]): Record<'http' | 'grpc', Server> {
  const overHttp = http.createServer((_request, response) => response.end());
  const overGrpc = http2.createServer(
    connectNodeAdapter({ routes: (router) => router.service(Authorization, { check: () => ({}) }) }),
  );
  const behindTls = (inner: EventEmitter): Server => {
    const server = createServer(options, (socket) => {
      socket.on('error', () => {});
      callers.push(String(socket.getPeerCertificate().subjectaltname));
      inner.emit('connection', socket);
    });
    server.on('tlsClientError', () => {});
    return server.listen(0, '127.0.0.1');
  };
  return { http: behindTls(overHttp), grpc: behindTls(overGrpc) };
}

describe('an authorizer that is a service of the mesh', () => {
  let ca: TestCa;
  let view: MeshView;
  let authorizer: ExternalAuthorizer;
  let servers: Record<'http' | 'grpc', Server>;
  const callers: string[] = [];
  const portOf = (transport: 'http' | 'grpc'): number => (servers[transport].address() as AddressInfo).port;

  const ask = (transport: 'http' | 'grpc', service: string): Promise<AuthorizerAnswer> =>
    authorizer.ask(
      {
        kind: 'ask',
        provider: providerAt(portOf(transport), { transport, service }),
        policy: 'default/ext-authz',
        rule: 0,
      },
      callOf(),
    );
  const serve = (name: string, identity: string): void => {
    const spiffeId = SpiffeId.of(identity);
    const endpoints = (['http', 'grpc'] as const).map((protocol) => {
      const port = portOf(protocol);
      const place = { host: '127.0.0.1', port, address: `127.0.0.1:${port}`, protocol, labels: {} };
      return { instanceId: `${name}-${protocol}`, spiffeId, identity, ...place };
    });
    const services = [{ namespace: 'tools', name, host: `${name}.tools.svc`, endpoints }];
    view.apply({ revision: view.revision + 1, reset: false, resources: [], services, revokedSerials: [] });
  };

  before(async () => {
    ca = await TestCa.create('cluster.local', Date.now());
    const own = await ca.issue(Date.now(), { namespace: 'tools', serviceAccount: 'ext-authz' });
    const options = { cert: own.certPem, key: own.keyPem, ca: ca.rootPem, requestCert: true };
    servers = startAuthorizers(
      { ...options, rejectUnauthorized: true, minVersion: 'TLSv1.3', ALPNProtocols: [MESH_ALPN] },
      callers,
    );
    await Promise.all([once(servers.http, 'listening'), once(servers.grpc, 'listening')]);
    const caller = await ca.issue(Date.now(), { namespace: 'default', serviceAccount: 'orders-api' });
    const bundle = {
      trustDomain: TrustDomain.of('cluster.local'),
      roots: [ca.rootDer],
      jwtAuthorities: [],
      sequence: 1,
    };
    const svid = createSvid({ ...caller, chain: [caller.der], bundle });
    view = new MeshView({ rootNamespace: 'istio-system', capabilities: ENFORCED_IN_PROCESS });
    const picker = new Picker(() => 0.5);
    const connect = (host: string, to: number): Duplex => {
      const resolution = resolve(host, view, 'tools');
      if (resolution.kind !== 'mesh') throw new Error(resolution.kind === 'refused' ? resolution.reason : 'outside');
      const endpoint = picker.pick(resolution.service, to);
      if (endpoint === undefined) throw new Error(`no instance of ${host} serves port ${to}`);
      const rules = { revocationOf: () => undefined, now: () => Date.now() };
      return dial({ service: resolution.service, endpoint, svid, ...rules });
    };
    authorizer = new ExternalAuthorizer({ connect, clock });
    serve('ext-authz', 'spiffe://cluster.local/ns/tools/sa/ext-authz');
    serve('impostor', 'spiffe://cluster.local/ns/tools/sa/somebody-else');
  });

  after(() => {
    authorizer.close();
    servers.http.close();
    servers.grpc.close();
  });

  for (const transport of ['http', 'grpc'] as const) {
    for (const service of [
      'tools/ext-authz',
      'x/ext-authz.tools.svc',
      'ext-authz.tools.svc.cluster.local',
      'ext-authz',
    ]) {
      it(`is asked over ${transport} with mutual TLS when it is called ${service}`, async () => {
        authorizer.close();
        callers.length = 0;
        const answer = await ask(transport, service);
        assert.equal(answer.kind, 'allowed', JSON.stringify(answer));
        assert.deepEqual(callers, ['URI:spiffe://cluster.local/ns/default/sa/orders-api']);
      });
    }

    it(`is told nothing over ${transport} when another workload answers for it`, async () => {
      const answer = await ask(transport, 'impostor.tools.svc');
      assert.ok(answer.kind === 'failed');
      assert.match(answer.verdict.reason, /the registry names .*somebody-else/);
    });

    it(`does not fall through to DNS over ${transport} when it is unknown to the mesh`, async () => {
      const answer = await ask(transport, 'tools/nowhere.tools.svc');
      assert.ok(answer.kind === 'failed');
      assert.match(answer.verdict.reason, /no service nowhere\.tools\.svc is registered/);
    });

    it(`is not found over ${transport} on a port that it does not serve`, async () => {
      const endpoint = providerAt(9, { transport, service: 'ext-authz.tools.svc' });
      const answer = await authorizer.ask({ kind: 'ask', provider: endpoint, policy: 'a/b', rule: 0 }, callOf());
      assert.ok(answer.kind === 'failed');
      assert.match(answer.verdict.reason, /no instance of ext-authz\.tools\.svc serves port/);
    });
  }
});
