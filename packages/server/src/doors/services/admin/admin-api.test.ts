import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { ApplySetProgress } from '@rampart/wire';
import { Code, ConnectError } from '@connectrpc/connect';
import type { Verdict } from '@rampart/core';
import type { ControlPlane } from '../../../control-plane.ts';
import { FakeDataPlane } from '../../../testing/fake-data-plane.ts';
import { TestPlanes, until } from '../../../testing/test-plane.ts';
import {
  type ApiClient,
  attest,
  connectAsAdmin,
  connectTo,
  type WorkloadOptions,
} from '../../../testing/workload-client.ts';

const ORDERS: WorkloadOptions = {
  namespace: 'default',
  serviceAccount: 'orders',
  service: 'orders-api',
  labels: { app: 'orders' },
};

const POLICIES = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: STRICT } }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: allow-frontend }
spec:
  selector: { matchLabels: { app: orders } }
  rules:
    - from: [{ source: { principals: [cluster.local/ns/default/sa/frontend] } }]
      to: [{ operation: { methods: [GET], paths: [/orders*] } }]
`;

const NEEDS_FILTER = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: filter }
spec:
  rules:
    - when:
        - key: experimental.envoy.filters.a.b[c]
          values: ["x"]
`;

describe('the admin API', () => {
  const planes = new TestPlanes();
  let plane: ControlPlane;
  let admin: ApiClient['admin'];

  beforeEach(async () => {
    await planes.open();
    plane = await planes.start();
    admin = planes.keep(connectAsAdmin(plane)).admin;
  });

  afterEach(() => planes.close());

  async function registered(workload: WorkloadOptions, capabilities?: readonly string[]): Promise<FakeDataPlane> {
    const { credentials } = await attest(plane, workload);
    const opened = new FakeDataPlane(planes.keep(connectTo(plane, { credentials }))).connect(
      capabilities === undefined ? {} : { capabilities },
    );
    if (workload.service !== undefined) {
      opened.register(`${workload.service}-1`, 3000);
      await until('the service', () => opened.services.size > 0);
    }
    await until('the first message', () => opened.received.length > 0);
    return opened;
  }

  async function verdict(question: Parameters<typeof admin.checkAuthorization>[0]): Promise<Verdict> {
    return JSON.parse((await admin.checkAuthorization(question)).verdictJson) as Verdict;
  }

  describe('Apply', () => {
    it('creates, then finds nothing to do, then configures', async () => {
      const outcomes = async (document: string): Promise<string[]> =>
        (await admin.apply({ document })).resources.map(({ outcome }) => outcome);
      assert.deepEqual(await outcomes(POLICIES), ['created', 'created']);
      assert.deepEqual(await outcomes(POLICIES), ['unchanged', 'unchanged']);
      assert.deepEqual(await outcomes(POLICIES.replace('STRICT', 'PERMISSIVE')), ['configured', 'unchanged']);
    });

    it('keeps the time of creation, and does not believe a document about it', async () => {
      await admin.apply({
        document: POLICIES.replace('name: default,', 'name: default, creationTimestamp: "1999-01-01T00:00:00Z",'),
      });
      const before = (await admin.getResources({ kind: 'PeerAuthentication' })).resources[0]?.createdAt ?? 0n;
      assert.ok(before > BigInt(Date.UTC(2020, 0, 1)));
      await admin.apply({ document: POLICIES.replace('STRICT', 'PERMISSIVE') });
      assert.equal((await admin.getResources({ kind: 'PeerAuthentication' })).resources[0]?.createdAt, before);
    });

    it('does nothing in a dry run, and says what it would do', async () => {
      const { resources, revision } = await admin.apply({ document: POLICIES, dryRun: true });
      assert.deepEqual(
        resources.map(({ outcome }) => outcome),
        ['created', 'created'],
      );
      assert.equal(revision, 0n);
      assert.deepEqual((await admin.getResources({})).resources, []);
    });

    it('takes a set in parts, tells of each, and puts all of it into force in one revision', async () => {
      const policy = (index: number, spec: object = {}): string =>
        JSON.stringify({
          apiVersion: 'security.istio.io/v1',
          kind: 'AuthorizationPolicy',
          metadata: { name: `p-${index}`, namespace: 'shop' },
          spec,
        });
      const parts = (wrong?: number): { resources: string[] }[] =>
        [0, 200, 400].map((first) => ({
          resources: Array.from({ length: 200 }, (_, index) =>
            policy(first + index, first + index === wrong ? { action: 'PERHAPS' } : {}),
          ),
        }));
      const told = async (wrong?: number): Promise<ApplySetProgress[]> => {
        const messages = async function* (): AsyncGenerator<{ resources: string[] }> {
          yield* parts(wrong);
        };
        const progress: ApplySetProgress[] = [];
        for await (const each of admin.applySet(messages())) progress.push(each);
        return progress;
      };
      const refused = await told(599);
      assert.deepEqual(
        refused.map(({ checked }) => checked),
        [200, 400, 600, 600],
      );
      const { problems = [], revision } = refused.at(-1)?.applied ?? {};
      assert.deepEqual([revision, problems.map(({ line, field }) => [line, field])], [0n, [[600, 'spec.action']]]);
      assert.deepEqual((await admin.getResources({})).resources, []);
      const applied = (await told()).at(-1)?.applied;
      const { resources } = await admin.getResources({});
      assert.equal(resources.length, 600);
      assert.deepEqual(new Set(resources.map((each) => each.revision)), new Set([applied?.revision]));
      const { records } = await admin.queryAudit({ eventType: 'POLICY_APPLIED', limit: 1000 });
      assert.equal(records.length, 600);
      const again = (await told()).at(-1)?.applied?.resources ?? [];
      assert.ok(again.length === 600 && again.every(({ outcome }) => outcome === 'unchanged'));
    });

    it('applies nothing of a document with a problem anywhere, and lists every problem with its place', async () => {
      const broken = `${POLICIES}---\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: { name: X }\nspec: { mtls: { mode: SOMETIMES } }\n`;
      const { resources, problems, revision } = await admin.apply({ document: broken, file: 'p.yaml' });
      assert.deepEqual(resources, []);
      assert.equal(revision, 0n);
      assert.deepEqual(
        problems.map(({ field, file, line }) => ({ field, file, line })),
        [
          { field: 'metadata.name', file: 'p.yaml', line: 18 },
          { field: 'spec.mtls.mode', file: 'p.yaml', line: 19 },
        ],
      );
      assert.deepEqual((await admin.getResources({})).resources, []);
    });

    it('refuses by name what no data plane can enforce, at its place', async () => {
      const { problems } = await admin.apply({ document: NEEDS_FILTER, file: 'filter.yaml' });
      assert.equal(problems.length, 1);
      const [problem] = problems;
      assert.equal(problem?.code, 'UNSUPPORTED_FEATURE');
      assert.equal(problem.field, 'spec.rules[0].when[0].key');
      assert.deepEqual([problem.line, problem.column], [7, 11]);
      assert.match(problem.message, /default\/filter needs authorization\.envoy-filter/);
    });

    it('refuses what a connected data plane that it reaches cannot enforce, and names it', async () => {
      await registered(ORDERS, ['peer-authentication']);
      const { problems } = await admin.apply({ document: POLICIES });
      assert.deepEqual(
        problems.map(({ code }) => code),
        ['UNSUPPORTED_FEATURE', 'UNSUPPORTED_FEATURE'],
      );
      assert.match(
        problems[0]?.message ?? '',
        /cluster\.local\/ns\/default\/sa\/orders \(node 1\.0\.0\) cannot enforce it/,
      );
    });

    it('accepts what only data planes that it does not reach cannot enforce', async () => {
      await registered({ namespace: 'elsewhere', serviceAccount: 'x' }, ['peer-authentication']);
      assert.deepEqual((await admin.apply({ document: POLICIES })).problems, []);
    });

    it('is on the audit record with old and new', async () => {
      await admin.apply({ document: POLICIES });
      await admin.apply({ document: POLICIES.replace('STRICT', 'PERMISSIVE') });
      const [record = '{}'] = (await admin.queryAudit({ eventType: 'POLICY_APPLIED' })).records;
      const { identity, result, details } = JSON.parse(record) as {
        identity: string;
        result: string;
        details: Record<string, string>;
      };
      assert.equal(identity, 'admin:bootstrap');
      assert.equal(result, 'SUCCESS');
      assert.equal(details['outcome'], 'configured');
      assert.match(details['old'] ?? '', /STRICT/);
      assert.match(details['new'] ?? '', /PERMISSIVE/);
    });
  });

  describe('DeleteResource', () => {
    it('says whether there was one', async () => {
      await admin.apply({ document: POLICIES });
      const name = { kind: 'PeerAuthentication', namespace: 'istio-system', name: 'default' };
      assert.equal((await admin.deleteResource(name)).deleted, true);
      assert.equal((await admin.deleteResource(name)).deleted, false);
      assert.equal((await admin.queryAudit({ eventType: 'POLICY_DELETED' })).records.length, 1);
    });
  });

  describe('CheckAuthorization', () => {
    const ALLOWED = { to: 'orders-api', method: 'GET', path: '/orders/1' };
    for (const from of [
      'spiffe://cluster.local/ns/default/sa/frontend',
      'cluster.local/ns/default/sa/frontend',
      'default/frontend',
    ]) {
      it(`takes ${from} for the same caller`, async () => {
        await admin.apply({ document: POLICIES });
        await registered(ORDERS);
        assert.equal((await verdict({ ...ALLOWED, from })).decision, 'ALLOW');
      });
    }

    it('answers with the fields of a verdict, in their order', async () => {
      await admin.apply({ document: POLICIES });
      await registered(ORDERS);
      const denied = await verdict({ ...ALLOWED, from: 'default/batch' });
      assert.deepEqual(Object.keys(denied), [
        'decision',
        'policy',
        'rule',
        'action',
        'reason',
        'audit',
        'dryRun',
        'dryRunDecision',
        'mode',
      ]);
      assert.equal(denied.decision, 'DENY');
      assert.equal(denied.policy, 'default/allow-frontend');
      assert.match(denied.mode, /^mTLS STRICT from mesh istio-system$/);
    });

    it('judges by the claims of a token, at the time of the control plane', async () => {
      const issuer = 'https://auth.example';
      await admin.apply({
        document: `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: users }
spec: { jwtRules: [{ issuer: "${issuer}", jwksUri: "https://auth.example/keys" }] }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: ann }
spec: { rules: [{ from: [{ source: { requestPrincipals: ["${issuer}/ann"] } }] }] }
`,
      });
      const ask = (claims: object): Promise<Verdict> =>
        verdict({ ...ALLOWED, from: 'default/web', claimsJson: JSON.stringify(claims) });
      assert.equal((await ask({ iss: issuer, sub: 'ann' })).decision, 'ALLOW');
      assert.equal((await ask({ iss: issuer, sub: 'bob' })).decision, 'DENY');
      assert.match((await ask({ iss: issuer, sub: 'ann', exp: 1 })).reason, /Jwt is expired/);
      for (const claimsJson of ['[]', '"ann"', '{', `{"a":"${'x'.repeat(70_000)}"}`]) {
        await assert.rejects(admin.checkAuthorization({ ...ALLOWED, claimsJson }), /claims_json is not a JSON object/);
      }
    });

    it('denies a caller without identity where mutual TLS is asked for', async () => {
      await admin.apply({ document: POLICIES });
      const denied = await verdict({ ...ALLOWED, from: '' });
      assert.equal(denied.decision, 'DENY');
      assert.equal(denied.policy, 'istio-system/default');
    });

    it('judges by what instances were attested as, and by the name where there is none', async () => {
      await admin.apply({ document: POLICIES.replace('app: orders', 'app: orders-api') });
      assert.equal((await verdict({ ...ALLOWED, from: 'default/batch' })).decision, 'DENY');
      await registered(ORDERS);
      assert.equal((await verdict({ ...ALLOWED, from: 'default/batch' })).decision, 'ALLOW');
    });

    it('judges the path that the service would be given', async () => {
      await admin.apply({ document: POLICIES });
      await registered(ORDERS);
      assert.equal(
        (await verdict({ ...ALLOWED, from: 'default/frontend', path: '/orders/../admin?x=/orders' })).decision,
        'DENY',
      );
    });

    for (const [what, question] of [
      ['a service that is none', { ...ALLOWED, to: 'https://x', from: '' }],
      ['a caller that is none', { ...ALLOWED, from: 'spiffe://' }],
      ['a path that is none', { ...ALLOWED, from: '', path: '/%00' }],
    ] as const) {
      it(`refuses ${what}`, async () => {
        await assert.rejects(
          admin.checkAuthorization(question),
          (error) => ConnectError.from(error).code === Code.InvalidArgument,
        );
      });
    }
  });

  describe('CheckTls', () => {
    it('says which policy decides at every port of every service', async () => {
      await registered(ORDERS);
      const checks = async (): Promise<unknown[]> =>
        (await admin.checkTls({})).checks.map(({ service, port, mode, policy, instances }) => [
          service,
          port,
          mode,
          policy,
          instances,
        ]);
      assert.deepEqual(await checks(), [['orders-api', 3000, 'PERMISSIVE', '', 1]]);
      await admin.apply({ document: POLICIES });
      assert.deepEqual(await checks(), [['orders-api', 3000, 'STRICT', 'istio-system/default', 1]]);
    });

    it('answers for a service that is not registered', async () => {
      const { checks } = await admin.checkTls({ service: 'later.shop' });
      assert.deepEqual(
        checks.map(({ service, namespace, instances }) => [service, namespace, instances]),
        [['later', 'shop', 0]],
      );
    });
  });

  describe('CreateJoinToken', () => {
    it('makes no token for the control plane itself', async () => {
      const workload = { namespace: 'istio-system', serviceAccount: 'rampart-server' };
      await assert.rejects(
        admin.createJoinToken({ workload }),
        (error) => ConnectError.from(error).code === Code.PermissionDenied,
      );
    });

    it('says what is missing or wrong', async () => {
      await assert.rejects(
        admin.createJoinToken({}),
        (error) => ConnectError.from(error).metadata.get('rampart-code') === 'INVALID_ARGUMENT',
      );
      await assert.rejects(
        admin.createJoinToken({ workload: { namespace: 'UPPER', serviceAccount: '' } }),
        /namespace.*serviceAccount/s,
      );
    });

    it('a token is good once; used ones are refused and audited', async () => {
      const { token } = await admin.createJoinToken({ workload: { namespace: 'default', serviceAccount: 'x' } });
      const anyone = planes.keep(connectTo(plane));
      const { createCsr, generateKeyPair } = await import('@rampart/spiffe');
      const csr = createCsr(generateKeyPair());
      await anyone.identity.attest({ evidence: { case: 'joinToken', value: token }, csr });
      await assert.rejects(
        anyone.identity.attest({ evidence: { case: 'joinToken', value: token }, csr }),
        (error) => ConnectError.from(error).metadata.get('rampart-code') === 'INVALID_JOIN_TOKEN',
      );
      const denied = (await admin.queryAudit({ limit: 1000 })).records.filter((text) => /"result":"DENIED"/.test(text));
      assert.equal(denied.length, 1);
      assert.doesNotMatch(denied.join(''), new RegExp(token));
    });
  });

  describe('certificates and status', () => {
    it('are listed with who they are of', async () => {
      await attest(plane, ORDERS);
      const { certificates } = await admin.listCertificates({
        spiffeId: 'spiffe://cluster.local/ns/default/sa/orders',
      });
      assert.deepEqual(
        certificates.map(({ kind, reason, revokedAt }) => [kind, reason, revokedAt]),
        [['workload', 'attested', 0n]],
      );
      assert.ok(certificates[0] !== undefined && certificates[0].sequence > 0n);
    });

    it('a revoked certificate opens nothing any more', async () => {
      const { credentials } = await attest(plane, ORDERS);
      const workload = planes.keep(connectTo(plane, { credentials }));
      await workload.telemetry.report({ reporter: 'r', sequence: 1n });
      const { certificates } = await admin.listCertificates({
        spiffeId: 'spiffe://cluster.local/ns/default/sa/orders',
      });
      await admin.revokeCertificate({ serial: certificates[0]?.serial ?? '', reason: 'lost' });
      await assert.rejects(
        workload.telemetry.report({ reporter: 'r', sequence: 2n }),
        (error) => ConnectError.from(error).metadata.get('rampart-code') === 'CERTIFICATE_REVOKED',
      );
      const listed = (await admin.listCertificates({ spiffeId: 'spiffe://cluster.local/ns/default/sa/orders' }))
        .certificates[0];
      assert.equal(listed?.revocationReason, 'lost');
    });

    it('tell what is there', async () => {
      await registered(ORDERS);
      const status = await admin.getStatus({});
      assert.deepEqual(
        [status.trustDomain, status.dataPlanes, status.services, status.instances],
        ['cluster.local', 1, 1, 1],
      );
      const { services } = await admin.listServices({});
      assert.deepEqual(
        services.map(({ name, endpoints }) => [name, endpoints.length]),
        [['orders-api', 1]],
      );
    });

    it('a renewed certificate is for the same workload', async () => {
      const { credentials, response } = await attest(plane, ORDERS);
      const workload = planes.keep(connectTo(plane, { credentials }));
      const { createCsr, generateKeyPair } = await import('@rampart/spiffe');
      const renewed = await workload.identity.renew({ csr: createCsr(generateKeyPair()) });
      assert.equal(renewed.spiffeId, response.spiffeId);
      assert.deepEqual(renewed.workload?.labels, { app: 'orders' });
    });
  });
});
