import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { ControlPlane } from '../../control-plane.ts';
import { TestPlanes } from '../../testing/test-plane.ts';
import { connectAsAdmin } from '../../testing/workload-client.ts';
import { policyResource, policyText } from './acl/policy.ts';
import { accessorOf, tokenIdOf } from './acl/uuid.ts';

type Fields = Readonly<Record<string, unknown>>;

const CART_RULES = `service_prefix "cart" {
  policy = "write"
}
service "ledger" {
  policy = "read"
}`;

describe('policies and tokens of the Consul API', () => {
  const planes = new TestPlanes();
  let plane: ControlPlane;
  let admin: string;

  before(async () => {
    await planes.open();
    plane = await planes.start({ consul: { httpPort: 0 } });
    admin = readFileSync(plane.adminTokenFile, 'utf8').trim();
  });

  after(() => planes.close());

  interface Asked {
    readonly method?: string;
    readonly body?: object;
    readonly token?: string;
  }

  async function ask(
    path: string,
    { method = 'GET', body, token = admin }: Asked = {},
  ): Promise<{ status: number; text: string; index: string }> {
    const answer = await fetch(`${plane.addresses.consul ?? ''}${path}`, {
      method,
      headers: { 'x-consul-token': token },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const index = answer.headers.get('x-consul-index') ?? '';
    return { status: answer.status, text: await answer.text(), index };
  }

  async function done(path: string, asked: Asked = {}): Promise<Fields> {
    const { status, text } = await ask(path, asked);
    assert.equal(status, 200, text);
    return JSON.parse(text) as Fields;
  }

  const register = async (name: string, token: string, port = 80): Promise<number> => {
    const body = { Name: name, Address: '10.0.0.1', Port: port };
    return (await ask('/v1/agent/service/register', { method: 'PUT', body, token })).status;
  };

  it('a token may do what its policies say, until it is deleted', async () => {
    const policy = await done('/v1/acl/policy', {
      method: 'PUT',
      body: { Name: 'cart', Description: 'the team of the cart', Rules: CART_RULES },
    });
    assert.deepEqual(
      [policy['Name'], policy['Description'], policy['Rules']],
      ['cart', 'the team of the cart', CART_RULES],
    );
    const token = await done('/v1/acl/token', {
      method: 'PUT',
      body: { Description: 'Cart', Policies: [{ Name: 'cart' }] },
    });
    assert.deepEqual(token['Policies'], [{ ID: policy['ID'], Name: 'cart' }]);
    const secret = String(token['SecretID']);
    assert.equal(await register('cart', secret), 200);
    assert.equal(await register('cart-of-others', secret), 403, 'the policy allows it, the name of the token does not');
    assert.equal(await register('ledger', admin), 200);
    assert.equal(await register('ledger', secret), 403);
    assert.equal((await ask('/v1/health/service/ledger', { token: secret })).text.includes('10.0.0.1'), true);
    assert.equal(await register('payment', admin), 200);
    assert.equal((await ask('/v1/health/service/payment', { token: secret })).text, '[]');
    const self = await done('/v1/acl/token/self', { token: secret });
    assert.deepEqual([self['AccessorID'], self['SecretID']], [token['AccessorID'], '<hidden>']);
    const accessor = String(token['AccessorID']);
    const clone = await done(`/v1/acl/token/${accessor}/clone`, { method: 'PUT', body: { Description: 'second' } });
    assert.deepEqual(clone['Policies'], token['Policies']);
    const { index } = await ask('/v1/health/service/ledger', { token: secret });
    const waiting = ask(`/v1/health/service/ledger?index=${index}&wait=20s`, { token: secret });
    assert.equal((await ask(`/v1/acl/token/${accessor}`, { method: 'DELETE' })).text, 'true');
    assert.equal((await ask('/v1/health/service/ledger', { token: secret })).status, 401);
    assert.equal((await waiting).status, 401, 'its waiting ends with it');
    assert.equal((await ask('/v1/health/service/ledger', { token: String(clone['SecretID']) })).status, 200);
  });

  it('a query waits no longer than the rules by which it was asked', async () => {
    const rules = (policy: string): string => `service "till" { policy = "${policy}" }`;
    const policy = await done('/v1/acl/policy', { method: 'PUT', body: { Name: 'till', Rules: rules('read') } });
    const body = { Description: 'Till', Policies: [{ Name: 'till' }] };
    const token = String((await done('/v1/acl/token', { method: 'PUT', body }))['SecretID']);
    assert.equal(await register('till', admin), 200);
    const { index, text } = await ask('/v1/health/service/till', { token });
    assert.ok(text.includes('10.0.0.1'));
    const waiting = ask(`/v1/health/service/till?index=${index}&wait=60s`, { token });
    const changed = { Name: 'till', Rules: rules('deny') };
    await done(`/v1/acl/policy/${String(policy['ID'])}`, { method: 'PUT', body: changed });
    assert.equal((await waiting).text, '[]');
    await done(`/v1/acl/policy/${String(policy['ID'])}`, { method: 'DELETE' });
  });

  it('a policy is a resource like any other', async () => {
    const { admin: api, close } = connectAsAdmin(plane);
    const { resources } = await api.getResources({ kind: 'RegistryAcl', name: 'cart' });
    close();
    assert.match(resources[0]?.json ?? '', /"identity":"team:policy.cart"/);
    const body = { Description: 'changed', Rules: 'service "cart" { policy = "read" }' };
    const policy = await done('/v1/acl/policy/name/cart');
    const changed = await done(`/v1/acl/policy/${String(policy['ID'])}`, { method: 'PUT', body });
    assert.match(String(changed['Rules']), /^service "cart" \{\n {2}policy = "read"\n\}$/);
    const listed = JSON.parse((await ask('/v1/acl/policies')).text) as readonly Fields[];
    assert.deepEqual(
      listed.map(({ Name }) => Name),
      ['global-management', 'cart'],
    );
    assert.equal((await ask(`/v1/acl/policy/${String(policy['ID'])}`, { method: 'DELETE' })).text, 'true');
    assert.equal((await ask('/v1/acl/policy/name/cart')).status, 404);
  });

  for (const [rule, path, body, problem] of [
    ['rules that are no HCL', 'policy', { Name: 'bad', Rules: 'service "x" {' }, /Invalid Policy: \d+:\d+:/],
    [
      'a permission that there is not',
      'policy',
      { Name: 'bad', Rules: 'service "x" { policy = "own" }' },
      /Invalid Policy/,
    ],
    ['a name in capitals', 'policy', { Name: 'Bad', Rules: '' }, /the name must be/],
    ['a policy without name', 'policy', { Rules: '' }, /Name must be given/],
    [
      'a token of a policy that there is not',
      'token',
      { Description: 'x', Policies: [{ Name: 'none' }] },
      /is no policy/,
    ],
    ['a token of nobody', 'token', {}, /Description must say who will hold it/],
    ['roles', 'token', { Description: 'x', Roles: [{ Name: 'r' }] }, /Roles is not part of this registry/],
    ['a life of a day', 'token', { Description: 'x', ExpirationTTL: '24h' }, /less than an hour/],
  ] as const) {
    it(`refuses ${rule}`, async () => {
      const { status, text } = await ask(`/v1/acl/${path}`, { method: 'PUT', body });
      assert.equal(status, 400, text);
      assert.match(text, problem);
    });
  }

  it('refuses to make a first token, and everything to those who are no administrators', async () => {
    assert.equal((await ask('/v1/acl/bootstrap', { method: 'PUT' })).status, 403);
    const { tokens, close } = connectAsAdmin(plane);
    const { token } = await tokens.createApiToken({ name: 'looker', role: 'viewer' });
    close();
    assert.equal((await ask('/v1/acl/policies', { token })).status, 403);
  });
});

describe('policies as resources', () => {
  it('name whom their rules are about, also where the text does not', () => {
    const rules = [
      'service "a" {',
      '  policy = "read"',
      '  identity = "team:ops"',
      '}',
      'namespace "prod" {',
      '  policy = "admin"',
      '}',
    ];
    const resource = policyResource({ name: 'p', description: '', rules: rules.join('\n') }, 'istio-system');
    assert.deepEqual(
      resource.spec.rules.map(({ identity }) => identity),
      ['team:ops', 'team:policy.p'],
    );
    assert.equal(policyText(resource).rules, rules.join('\n'));
  });

  it('accessors are ids of tokens', () => {
    const id = '0123456789abcdef';
    assert.equal(tokenIdOf(accessorOf(id)), id);
    assert.equal(tokenIdOf('11111111-2222-3333-4444-555555555555'), undefined);
  });
});
