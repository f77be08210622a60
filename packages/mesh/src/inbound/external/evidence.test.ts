import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { ENFORCED_IN_PROCESS, parseResource } from '@rampart/core';
import type { ExtAuthzProvider, Resource } from '@rampart/core';

import { MeshView } from '../../view/mesh-view.ts';
import { Permit } from '../authorize.ts';
import type { RequestToJudge } from '../authorize.ts';
import { InboundConnection } from '../connection.ts';
import type { Approval } from './external-authorizer.ts';
import { callOf, providerAt, startAsking } from './testing/ask.ts';
import type { Asking } from './testing/ask.ts';
import { HttpAuthorizer } from './testing/http-authorizer.ts';

function resource(json: object): Resource {
  const parsed = parseResource(json);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

const policy = (name: string, spec: object): Resource =>
  resource({
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name, namespace: 'default' },
    spec,
  });
const paths = (path: string): object => ({ to: [{ operation: { paths: [path] } }] });
const custom = (provider: string): Resource =>
  policy('ask', { action: 'CUSTOM', provider: { name: provider }, rules: [paths('/*')] });

describe('a request under CUSTOM', () => {
  let server: HttpAuthorizer;
  let asking: Asking;
  let view: MeshView;
  let connection: InboundConnection;

  const apply = (port: number, ...policies: Resource[]): void => {
    const providers = ['sample-ext-authz', 'other'].map((name) => ({
      name,
      envoyExtAuthzHttp: { service: 'ext-authz.default.svc.cluster.local', port, timeout: '5s' },
    }));
    const config = resource({
      apiVersion: 'rampart.dev/v1',
      kind: 'MeshConfig',
      metadata: { name: 'default', namespace: 'istio-system' },
      spec: { extensionProviders: providers },
    });
    const resources = [config, ...policies].map((each) => [`${each.kind}/${each.metadata.name}`, each] as const);
    view.apply({ revision: view.revision + 1, reset: true, resources, services: [], revokedSerials: [] });
  };
  const judge = (path: string, approval?: Approval): ReturnType<typeof Permit.judge> => {
    const request: RequestToJudge = {
      method: 'GET',
      path,
      host: 'orders-api',
      token: undefined,
      remoteIp: '127.0.0.1',
      header: () => undefined,
      authenticated: undefined,
      approval,
      signed: undefined,
    };
    return Permit.judge(connection, request, Date.now());
  };
  const approvalFor = async (path: string): Promise<Approval> => {
    const demand = connection.policy.demand({
      method: 'GET',
      path,
      host: 'orders-api',
      token: undefined,
      remoteIp: '127.0.0.1',
      header: () => undefined,
    });
    assert.ok(demand?.kind === 'ask');
    const answer = await asking.authorizer.ask(demand, callOf({ target: path }));
    assert.ok(answer.kind === 'allowed');
    return answer.approval;
  };

  before(async () => {
    server = await HttpAuthorizer.start();
    asking = startAsking();
    view = new MeshView({ rootNamespace: 'istio-system', capabilities: ENFORCED_IN_PROCESS });
    view.setWorkload({ namespace: 'default', serviceAccount: 'orders-api', labels: {} }, 'cluster.local');
    apply(server.port, custom('sample-ext-authz'), policy('never', { action: 'DENY', rules: [paths('/admin')] }));
    const options = { socket: new Socket(), peer: undefined, tlsVersion: '', port: 8080, sni: '', openedAt: 0 };
    connection = new InboundConnection(options, view, undefined);
  });

  after(async () => {
    asking.authorizer.close();
    await server.stop();
  });

  it('is not permitted before its authorizer was asked', () => {
    const { denied, verdict } = judge('/orders');
    assert.equal(denied, true);
    const { decision, policy: name, action, reason } = verdict;
    assert.deepEqual({ decision, name, action }, { decision: 'DENY', name: 'default/ask', action: 'CUSTOM' });
    assert.match(reason, /external authorizer "sample-ext-authz" was not asked/);
  });

  it('is permitted with the approval of its authorizer, and DENY still wins', async () => {
    const approval = await approvalFor('/orders');
    assert.equal(judge('/orders', approval).denied, false);
    assert.equal(judge('/admin', approval).verdict.policy, 'default/never');
  });

  it('is not permitted with the approval of another authorizer, nor of one that has changed since', async () => {
    const approval = await approvalFor('/orders');
    apply(server.port, custom('other'));
    assert.equal(judge('/orders', approval).denied, true);
    apply(server.port + 1, custom('sample-ext-authz'));
    assert.equal(judge('/orders', approval).denied, true);
    apply(server.port, custom('sample-ext-authz'));
    assert.equal(judge('/orders', approval).denied, false);
  });

  it('is not permitted where nobody can be asked', async () => {
    const approval = await approvalFor('/orders');
    apply(server.port, custom('unheard-of'));
    const { denied, verdict } = judge('/orders', approval);
    assert.equal(denied, true);
    assert.match(verdict.reason, /unheard-of/);
  });
});

describe('a provider that is not fit to be asked', () => {
  const unfit: readonly {
    readonly what: string;
    readonly settings: Partial<ExtAuthzProvider>;
    readonly reason: RegExp;
  }[] = [
    { what: 'a name that is none', settings: { name: 'Not A Name' }, reason: /no DNS name/ },
    { what: 'no service', settings: { service: '' }, reason: /names no service/ },
    { what: 'port 0', settings: { port: 0 }, reason: /port 0/ },
    { what: 'port 70000', settings: { port: 70_000 }, reason: /port 70000/ },
    { what: 'no time', settings: { timeoutMs: 0 }, reason: /timeout is 0/ },
    { what: 'a time that is none', settings: { timeoutMs: Number.NaN }, reason: /timeout is NaN/ },
    { what: 'status 100', settings: { statusOnError: 100 }, reason: /statusOnError 100/ },
    { what: 'status 999', settings: { statusOnError: 999 }, reason: /statusOnError 999/ },
    { what: 'a prefix without a slash', settings: { pathPrefix: 'check' }, reason: /pathPrefix "check"/ },
    { what: 'a prefix with a line end', settings: { pathPrefix: '/a\r\nx: y' }, reason: /pathPrefix/ },
    { what: 'a list of everything', settings: { headersToUpstreamOnAllow: ['*'] }, reason: /matches every header/ },
    { what: 'an empty pattern', settings: { includeRequestHeadersInCheck: [''] }, reason: /matches every header/ },
    {
      what: 'a fixed length',
      settings: { includeAdditionalHeadersInCheck: { 'Content-Length': '0' } },
      reason: /Content-Length/,
    },
    {
      what: 'a header of two lines',
      settings: { includeAdditionalHeadersInCheck: { a: 'b\r\nc: d' } },
      reason: /cannot be sent/,
    },
    {
      what: 'a body of any size',
      settings: { includeRequestBodyInCheck: { maxRequestBytes: 0, allowPartialMessage: true, packAsBytes: false } },
      reason: /maxRequestBytes 0/,
    },
  ];
  for (const { what, settings, reason } of unfit) {
    it(`(${what}) denies and says so, even where it would fail open`, async () => {
      const { authorizer, connections, ask } = startAsking();
      const answer = await ask(providerAt(1, { ...settings, failOpen: true }));
      assert.ok(answer.kind === 'denied');
      assert.equal(answer.status, 403);
      assert.equal(Buffer.from(answer.body).toString(), 'RBAC: access denied');
      assert.match(answer.verdict.reason, reason);
      assert.equal(connections.opened, 0);
      authorizer.close();
    });
  }
});
