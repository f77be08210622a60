import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { TokenIssuer } from '../harness/issuer.ts';
import { Laboratory } from '../harness/laboratory.ts';
import { STRICT } from '../harness/policies.ts';
import { Workload } from '../harness/workload.ts';

describe('tokens between services, with scopes', () => {
  let plane: ControlPlaneProcess;
  let issuer: TokenIssuer;
  let orders: Workload;
  let users: Laboratory;

  before(async () => {
    issuer = await TokenIssuer.start();
    plane = await ControlPlaneProcess.start();
    await plane.apply(`${STRICT}---
apiVersion: rampart.dev/v1
kind: ServiceTokenPolicy
metadata: { name: orders-scopes, namespace: default }
spec:
  selector: { matchLabels: { app: orders-api } }
  issuer: ${issuer.url}
  jwksUri: ${issuer.jwksUri}
  audience: service:orders-api
  rules:
  - methods: [GET]
    paths: ["/orders/*"]
    scopes: ["read:orders"]
  - methods: [POST]
    scopes: ["read:orders", "write:orders"]
`);
    const options = { script: 'echo.mjs', serviceAccount: 'orders-api', service: 'orders-api' };
    orders = await Workload.start(plane, options);
    users = await Laboratory.start(plane, { serviceAccount: 'users-api' });
    await until('users-api to know orders-api', () =>
      users.run(() => fetch('http://orders-api/').then(({ status }) => status === 401)),
    );
  });

  after(async () => {
    await Promise.all([orders.kill(), users.kill()]);
    await plane.stop();
    await issuer.goAway();
  });

  const claims = { sub: 'service:users-api', aud: 'service:orders-api', scope: 'read:orders' };

  function call(method: string, path: string, token: string): Promise<string> {
    return users.run(
      async (_tools, { method, path, headers }) => {
        const response = await fetch(`http://orders-api${path}`, { method, headers });
        return `${response.status} ${response.ok ? '' : await response.text()}`.trim();
      },
      { method, path, headers: token === '' ? {} : { authorization: `Bearer ${token}` } },
    );
  }

  const cases: readonly (readonly [name: string, expected: string, method: string, token: () => string])[] = [
    ['all validations pass', '200', 'GET', () => issuer.token(claims)],
    ['no token', '401 Jwt is missing', 'GET', () => ''],
    ['signature', '401 Jwt verification fails', 'GET', () => issuer.token(claims).replace(/.{8}$/, 'AAAAAAAA')],
    ['expiry', '401 Token expired', 'GET', () => issuer.token({ ...claims, exp: 1625097600 })],
    ['audience', '401 Invalid audience', 'GET', () => issuer.token({ ...claims, aud: 'service:users-api' })],
    ['scope', '403 Insufficient scope', 'POST', () => issuer.token(claims)],
    ['more scope', '200', 'POST', () => issuer.token({ ...claims, scope: 'read:orders write:orders' })],
    ['no rule', '403 No rule covers this request', 'DELETE', () => issuer.token(claims)],
  ];
  for (const [name, expected, method, token] of cases) {
    it(`${name}: ${expected}`, async () => assert.equal(await call(method, '/orders/7', token()), expected));
  }

  it('the record names the service, the policy and the reason', async () => {
    await call('GET', '/orders/recorded', issuer.token(claims));
    await call('POST', '/orders/recorded', issuer.token(claims));
    const records = await until('both records', async () => {
      const found = (await plane.records()).filter(
        ({ request_path, reporter }) => request_path === '/orders/recorded' && reporter === 'destination',
      );
      return found.length === 2 ? found : undefined;
    });
    const [read, write] = records;
    assert.equal(read?.jwt_principal, `${issuer.url}/service:users-api`);
    assert.equal(write?.authorization_policy, 'default/orders-scopes');
    assert.match(write?.reason ?? '', /Insufficient scope/);
  });
});
