import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compileWorkloadPolicy } from '../policy/workload-policy.ts';
import type { Resource } from '../resource/resource.ts';
import { peerAuthenticationOf, policyOf } from '../testing/documents.ts';
import { BATCH, FRONTEND, recordOf as record, replay } from '../testing/replay.ts';
import { Traffic } from './replay/traffic.ts';

const onlyFrontend = policyOf('- from: [{source: {principals: ["cluster.local/ns/web/sa/frontend"]}}]', {
  name: 'only',
});
const onlyRead = policyOf('- to: [{operation: {methods: ["GET"]}}]', { name: 'read' });

describe('a replay', () => {
  it('finds nothing where nothing changes', () => {
    const { requests, distinct, unchanged, changes } = replay({
      live: [onlyFrontend],
      candidate: [onlyFrontend],
      records: [record(), record(), record({ source_principal: BATCH, authorization_decision: 'DENY' })],
    });
    assert.deepEqual([requests, distinct, unchanged, changes.length], [3, 2, 3, 0]);
  });

  it('groups what changes by source, destination, method and path, and names the policy', () => {
    const { nowDenied, nowAllowed, changes } = replay({
      candidate: [onlyFrontend],
      records: [
        record(),
        record({ source_principal: BATCH }),
        record({ source_principal: BATCH }),
        record({ source_principal: '' }),
      ],
    });
    assert.deepEqual([nowDenied, nowAllowed], [3, 0]);
    assert.deepEqual(
      changes.map(({ source, destination, method, path, count, from, to, policy }) => ({
        source,
        destination,
        method,
        path,
        count,
        from,
        to,
        policy,
      })),
      [
        { source: 'cluster.local/ns/web/sa/batch', count: 2 },
        { source: '', count: 1 },
      ].map((each) => ({
        destination: 'orders-api.shop.svc',
        method: 'GET',
        path: '/orders/1',
        from: 'ALLOW',
        to: 'DENY',
        policy: 'shop/only',
        ...each,
      })),
    );
  });

  it('says which policy decided before', () => {
    const { nowAllowed, changes } = replay({
      live: [onlyFrontend],
      candidate: [],
      records: [record({ source_principal: BATCH, authorization_decision: 'DENY' })],
    });
    assert.equal(nowAllowed, 1);
    assert.deepEqual([changes[0]?.oldPolicy, changes[0]?.policy], ['shop/only', '']);
  });

  it('shows many identifiers as one path', () => {
    const records = Array.from({ length: 100 }, (_, index) =>
      record({ request_path: `/orders/${index}`, request_method: 'PUT' }),
    );
    const { changes } = replay({ candidate: [onlyRead], records });
    assert.deepEqual(
      changes.map(({ path, count }) => [path, count]),
      [['/orders/{*}', 100]],
    );
  });

  it('stays short, whatever services are called', () => {
    const records = Array.from({ length: 2100 }, (_, index) =>
      record({ destination_service: `s${index}.shop.svc`, request_method: 'PUT' }),
    );
    const { changes, nowDenied, notListed } = replay({ candidate: [onlyRead], records });
    assert.deepEqual([changes.length, nowDenied, notListed], [2000, 2100, 100]);
  });

  it('takes what a data plane decided by the present policies for granted', () => {
    const asksHeader = policyOf('- when: [{key: "request.headers[x-tenant]", values: ["a"]}]', { name: 'tenants' });
    const { changes, cannotTell } = replay({
      live: [asksHeader],
      candidate: [onlyFrontend],
      records: [record({ authorization_decision: 'DENY' })],
    });
    assert.equal(cannotTell, 0);
    assert.deepEqual(
      changes.map(({ from, to }) => [from, to]),
      [['DENY', 'ALLOW']],
    );
  });

  it('judges what was decided by earlier policies by the present ones', () => {
    const { unchanged, changes } = replay({
      live: [onlyFrontend],
      candidate: [onlyFrontend],
      records: [record({ source_principal: BATCH })],
      changedAt: 11,
    });
    assert.deepEqual([unchanged, changes.length], [1, 0]);
  });

  it('leaves out what the caller reported, and what is too old', () => {
    const traffic = new Traffic({ since: Date.UTC(2026, 10, 1), changedAt: () => 0, asksUserAgent: false });
    for (const each of [
      record(),
      record({ reporter: 'source' }),
      record({ timestamp: '2026-10-31T23:59:59.999Z' }),
      record({ user_agent: 'other' }),
    ])
      traffic.add(each);
    assert.deepEqual([traffic.records, traffic.size], [2, 1]);
    assert.deepEqual(traffic.leftOut, { bySource: 1, tooOld: 1 });
  });

  it('judges plaintext by the transport', () => {
    const strict = peerAuthenticationOf('{mtls: {mode: STRICT}}');
    const { changes } = replay({ candidate: [strict], records: [record({ source_principal: '' }), record()] });
    assert.deepEqual(
      changes.map(({ source, policy }) => [source, policy]),
      [['', 'shop/default']],
    );
  });

  describe('cannot tell', () => {
    const UNKNOWN: readonly (readonly [string, string, RegExp])[] = [
      [
        'a header',
        'when: [{key: "request.headers[x-tenant]", values: ["a"]}]',
        /AuthorizationPolicy shop\/p asks header x-tenant \(rules\[0\]\.when\[0\]\)/,
      ],
      [
        'an address',
        'from: [{source: {ipBlocks: ["10.0.0.0/8"]}}]',
        /the caller's address \(rules\[0\]\.from\[0\]\.source\.ipBlocks\)/,
      ],
      ['an address in a condition', 'when: [{key: source.ip, notValues: ["10.0.0.0/8"]}]', /the caller's address/],
      ['a client address', 'from: [{source: {remoteIpBlocks: ["10.0.0.0/8"]}}]', /the client's address/],
      ['a claim', 'when: [{key: "request.auth.claims[groups]", values: ["a"]}]', /the claim groups of the token/],
      ['a server name', 'when: [{key: connection.sni, values: ["a"]}]', /server name/],
    ];
    for (const [what, rule, reason] of UNKNOWN) {
      for (const action of ['ALLOW', 'DENY'] as const) {
        it(`by ${what} that ${action} asks for`, () => {
          const candidate = [policyOf(`- ${rule}`, { name: 'p', action })];
          const { cannotTell, unknown, changes } = replay({ candidate, records: [record(), record()] });
          assert.deepEqual([cannotTell, changes.length, unknown[0]?.count], [2, 0, 2]);
          assert.match(unknown[0]?.reason ?? '', reason);
          assert.equal(unknown[0]?.example, 'GET /orders/1 from cluster.local/ns/web/sa/frontend');
        });
      }
    }

    it('but where the rest of the rule decides, it does', () => {
      const header = 'when: [{key: "request.headers[x-tenant]", values: ["a"]}]';
      const deny = policyOf(`- to: [{operation: {methods: ["DELETE"]}}]\n  ${header}`, { name: 'p', action: 'DENY' });
      assert.equal(replay({ candidate: [deny], records: [record()] }).unchanged, 1);
      const allow = policyOf(
        `- to: [{operation: {methods: ["DELETE"]}}]\n  ${header}\n- to: [{operation: {paths: ["/orders/*"]}}]`,
      );
      assert.equal(replay({ candidate: [allow], records: [record()] }).unchanged, 1);
      const { nowDenied } = replay({ candidate: [allow], records: [record({ request_path: '/users' })] });
      assert.equal(nowDenied, 1);
    });

    it('knows what records hold under names of their own', () => {
      const candidate = [policyOf('- when: [{key: "request.headers[user-agent]", values: ["curl/*"]}]')];
      const { unchanged, nowDenied } = replay({ candidate, records: [record(), record({ user_agent: 'wget' })] });
      assert.deepEqual([unchanged, nowDenied], [1, 1]);
    });

    it('what an authorizer would say, unless it was asked already', () => {
      const custom: Resource = {
        ...onlyRead,
        metadata: { ...onlyRead.metadata, name: 'ask' },
        spec: {
          action: 'CUSTOM',
          provider: { name: 'opa' },
          rules: [{ to: [{ operation: { paths: ['/orders/*'] } }] }],
        },
      };
      const records = [record(), record({ request_path: '/health' })];
      const fresh = replay({ candidate: [custom], records });
      assert.deepEqual([fresh.cannotTell, fresh.unchanged], [1, 1]);
      assert.match(fresh.unknown[0]?.reason ?? '', /AuthorizationPolicy shop\/ask asks the answer of authorizer opa/);
      assert.equal(replay({ live: [custom], candidate: [custom], records }).unchanged, 2);
      assert.equal(replay({ live: [custom], candidate: [custom, onlyRead], records }).unchanged, 2);
    });

    it('which labels a workload has that is gone, where a policy selects by them', () => {
      const selective = policyOf('- {}', { selector: { app: 'orders-api' }, action: 'DENY' });
      const { cannotTell, unknown } = replay({ candidate: [selective], records: [record()], labels: [] });
      assert.equal(cannotTell, 1);
      assert.match(unknown[0]?.reason ?? '', /labels of the called workload are not known/);
      assert.equal(replay({ candidate: [onlyRead], records: [record()], labels: [] }).unchanged, 1);
    });

    it('which of several instances was called, where they are judged differently', () => {
      const selective = policyOf('- {}', { selector: { track: 'canary' }, action: 'DENY' });
      const labels = [{ track: 'canary' }, { track: 'stable' }];
      assert.equal(replay({ candidate: [selective], records: [record()], labels }).cannotTell, 1);
      assert.equal(replay({ candidate: [onlyRead], records: [record()], labels }).unchanged, 1);
    });

    it('what was cut, or is not there', () => {
      for (const special of [
        { request_path: `/${'a'.repeat(8191)}` },
        { request_method: '' },
        { destination_principal: '' },
        { upstream_host: '' },
      ])
        assert.equal(replay({ candidate: [onlyRead], records: [record(special)] }).cannotTell, 1);
    });
  });

  it('never says something else than a data plane that knows everything', () => {
    const sources = fc.constantFrom(
      '',
      'from: [{source: {ipBlocks: ["10.0.0.1"]}}]',
      'from: [{source: {notIpBlocks: ["10.0.0.1"]}}]',
      'from: [{source: {principals: ["cluster.local/ns/web/sa/frontend"]}}]',
      'from: [{source: {principals: ["*"], notIpBlocks: ["10.0.0.1"]}}, {source: {namespaces: ["web"]}}]',
    );
    const operations = fc.constantFrom(
      '',
      'to: [{operation: {methods: [GET]}}]',
      'to: [{operation: {paths: ["/orders/*"]}}]',
    );
    const conditions = fc.constantFrom(
      '',
      'when: [{key: "request.headers[x-a]", values: [x]}]',
      'when: [{key: "request.headers[x-a]", notValues: [x]}, {key: source.ip, values: ["10.0.0.1"]}]',
      'when: [{key: destination.port, values: ["3000"]}]',
    );
    const rule = fc
      .tuple(sources, operations, conditions)
      .map((parts) => parts.filter(Boolean).join('\n  '))
      .map((text) => (text === '' ? '- {}' : `- ${text}`));
    const policy = fc.record({
      rules: fc.array(rule, { minLength: 1, maxLength: 3 }),
      action: fc.constantFrom('ALLOW' as const, 'DENY' as const),
    });
    const world = fc.record({
      policies: fc.array(policy, { maxLength: 4 }),
      ip: fc.constantFrom('10.0.0.1', '10.0.0.2'),
      header: fc.constantFrom(undefined, 'x', 'y'),
      method: fc.constantFrom('GET', 'PUT'),
      path: fc.constantFrom('/orders/1', '/users'),
      from: fc.constantFrom(FRONTEND, ''),
    });
    let decided = 0;
    fc.assert(
      fc.property(world, ({ policies, ip, header, method, path, from }) => {
        const candidate = policies.map(({ rules, action }, index) =>
          policyOf(rules.join('\n'), { name: `p${index}`, action }),
        );
        const truth = compileWorkloadPolicy({
          workload: { namespace: 'shop', serviceAccount: 'orders', labels: { app: 'orders-api' } },
          resources: candidate,
          rootNamespace: 'istio-system',
          trustDomain: 'cluster.local',
        })
          .forConnection({
            principal: from === '' ? undefined : from.slice('spiffe://'.length),
            sourceIp: ip,
            destinationIp: '10.0.0.7',
            destinationPort: 3000,
            sni: '',
          })
          .evaluate({
            method,
            path,
            host: '',
            token: undefined,
            remoteIp: ip,
            header: (name) => (name === 'x-a' ? header : undefined),
          });
        const { unchanged, nowDenied, cannotTell } = replay({
          candidate,
          records: [record({ source_principal: from, request_method: method, request_path: path })],
        });
        decided += 1 - cannotTell;
        assert.ok(cannotTell === 1 || (truth.decision === 'ALLOW' ? unchanged : nowDenied) === 1);
      }),
      { numRuns: 3000 },
    );
    assert.ok(decided > 1000, `only ${decided} decided`);
  });
});
