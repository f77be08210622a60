import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { after, before, describe, it } from 'node:test';
import type { ControlPlane } from '../../control-plane.ts';
import { TestPlanes, until } from '../../testing/test-plane.ts';
import { attest, connectAsAdmin, type Credentials } from '../../testing/workload-client.ts';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly json: unknown;
}

interface Asked {
  readonly method?: string;
  readonly body?: string | object;
  readonly headers?: Readonly<Record<string, string>>;
  /** Over HTTPS, with this certificate or without any. */
  readonly tls?: Credentials | 'none';
  /** The administrator's unless given. */
  readonly token?: string;
  readonly signal?: AbortSignal;
}

const planes = new TestPlanes();
let plane: ControlPlane;
let adminToken: string;

before(async () => {
  await planes.open();
  plane = await planes.start({ consul: { httpPort: 0, httpsPort: 0 } });
  adminToken = readFileSync(plane.adminTokenFile, 'utf8').trim();
});

after(() => planes.close());

function ask(
  path: string,
  { method = 'GET', body, headers, tls, token = adminToken, signal }: Asked = {},
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const options = {
    method,
    agent: false,
    headers: { ...(token === '' ? {} : { 'x-consul-token': token }), ...headers },
    ...(signal === undefined ? {} : { signal }),
    ...(tls === undefined ? {} : { ca: readFileSync(plane.caFile, 'utf8') }),
    ...(tls === undefined || tls === 'none' ? {} : { cert: tls.certificate, key: tls.key }),
  };
  const base = tls === undefined ? plane.addresses.consul : plane.addresses.consulTls;
  const send = tls === undefined ? httpRequest : httpsRequest;
  const call = send(`${base ?? ''}${path}`, options, (response) => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => (text += chunk));
    response.on('end', () => {
      const isJson = response.headers['content-type'] === 'application/json';
      const json: unknown = isJson ? JSON.parse(text) : undefined;
      resolve({ status: response.statusCode ?? 0, headers: response.headers as Record<string, string>, text, json });
    });
  });
  call.on('error', reject);
  call.end(typeof body === 'object' ? JSON.stringify(body) : body);
  return promise;
}

async function register(fields: object, path = '/v1/agent/service/register'): Promise<void> {
  const { status, text } = await ask(path, { method: 'PUT', body: fields });
  assert.equal(status, 200, text);
}

async function applyDocument(document: object): Promise<void> {
  const { admin, close } = connectAsAdmin(plane);
  await admin.apply({ document: JSON.stringify(document), file: 'registry.json' });
  close();
}

describe('what bad input gets from the Consul API', () => {
  const SOUND = { Name: 'bad', Address: '10.5.0.1', Port: 80 };
  const check = (fields: object): object => ({ ...SOUND, Check: fields });
  for (const [rule, body, problem] of [
    ['no JSON', '{"Name":', /Request decode failed: the body is no JSON/],
    ['nothing', '', /Request decode failed/],
    ['a list', '[]', /the body must be an object/],
    ['no name', { Port: 80 }, /Name must be given/],
    ['a name of another type', { ...SOUND, Name: 7 }, /Name must be a text/],
    ['a field twice', '{"Name":"a","name":"b","Port":80}', /name is there twice/],
    ['a name that is no DNS label', { ...SOUND, Name: 'Bad_Name' }, /service must be a DNS label/],
    ['no port', { ...SOUND, Port: 0 }, /port must be a whole number from 1 to 65535/],
    ['a port out of range', { ...SOUND, Port: 70_000 }, /port must be/],
    ['an address that is none', { ...SOUND, Address: '10.0.0.999' }, /host must be/],
    ['a link-local address', { ...SOUND, Address: '169.254.169.254' }, /host must be an address of a host/],
    ['metadata over the limit', { ...SOUND, Meta: { long: 'x'.repeat(600) } }, /metadata must have values/],
    ['metadata of another type', { ...SOUND, Meta: { n: 1 } }, /Meta must be a map of texts/],
    [
      'a sidecar of another mesh',
      { ...SOUND, Connect: { SidecarService: {} } },
      /Connect is not part of this registry/,
    ],
    ['a gateway', { ...SOUND, Kind: 'mesh-gateway' }, /only services are registered/],
    ['a check that looks at nothing', check({ Interval: '10s' }), /a check has to look at something/],
    [
      'a check of a stranger',
      check({ HTTP: 'http://10.9.9.9/', Interval: '10s' }),
      /must be at the address of the service/,
    ],
    ['a check without interval', check({ TCP: '10.5.0.1:80' }), /Interval must be given/],
    ['a duration without unit', check({ TCP: '10.5.0.1:80', Interval: '10' }), /must be a duration such as "10s"/],
    [
      'a check that verifies nobody',
      check({ HTTP: 'https://10.5.0.1/', Interval: '10s', TLSSkipVerify: true }),
      /checks verify who answers/,
    ],
    [
      'a kind of check that there is not',
      check({ UDP: '10.5.0.1:80', Interval: '10s' }),
      /UDP is not part of this registry/,
    ],
  ] as const) {
    it(rule, async () => {
      const { status, text } = await ask('/v1/agent/service/register', { method: 'PUT', body });
      assert.equal(status, 400, text);
      assert.match(text, problem);
      assert.deepEqual((await ask('/v1/health/service/bad')).json, []);
    });
  }

  for (const [rule, path, status, problem] of [
    ['an index that is none', '/v1/health/service/web?index=x', 400, /Invalid index/],
    ['a wait that is none', '/v1/health/service/web?index=1&wait=soon', 400, /Invalid wait time/],
    ['two consistencies', '/v1/health/service/web?stale&consistent', 400, /Cannot specify \?stale with \?consistent/],
    [
      'a filter that is none',
      '/v1/health/service/web?filter=Service.Nothing%20%3D%3D%201',
      400,
      /Selector "Service.Nothing" is not valid/,
    ],
    ['another datacenter', '/v1/catalog/services?dc=dc2', 400, /No path to datacenter/],
    ['a state that is none', '/v1/health/state/odd', 400, /a state is/],
    ['several namespaces at once', '/v1/catalog/services?ns=*', 400, /a namespace is a DNS label/],
    ['another method', '/v1/agent/service/register', 405, /not allowed/],
    ['no such path', '/v1/nothing', 404, /there is no \/v1\/nothing here/],
    ['keys', '/v1/kv/colour', 501, /not part of this registry: it keeps services, not kv/],
    ['sessions', '/v1/session/list', 501, /not session/],
    ['events', '/v1/event/list', 501, /not event/],
    ['an unknown service id', '/v1/agent/service/nobody', 404, /unknown service ID: nobody/],
  ] as const) {
    it(rule, async () => {
      const answer = await ask(path);
      assert.equal(answer.status, status, answer.text);
      assert.match(answer.text, problem);
    });
  }

  it('nothing, where a body only comes in pieces, after its head', async () => {
    const body = JSON.stringify({ Name: 'pieces', Address: '10.0.0.9', Port: 80 });
    const headers = { 'x-consul-token': adminToken, 'content-length': body.length };
    const url = `${plane.addresses.consul}/v1/agent/service/register`;
    const request = httpRequest(url, { method: 'PUT', agent: false, headers });
    const answered = once(request, 'response') as Promise<[IncomingMessage]>;
    for (const piece of ['', body.slice(0, 9), body.slice(9)]) {
      if (piece === '') request.flushHeaders();
      await new Promise((resolve) => void request.write(piece, resolve));
    }
    request.end();
    const [answer] = await answered;
    answer.resume();
    assert.equal(answer.statusCode, 200);
  });

  it('a body without end', async () => {
    const { status } = await ask('/v1/agent/service/register', { method: 'PUT', body: 'x'.repeat(600_000) });
    assert.equal(status, 413);
  });

  it('a page of another site that leads its name to loopback', async () => {
    assert.equal((await ask('/v1/catalog/services', { headers: { host: 'evil.example:8500' } })).status, 421);
  });
});

describe('blocking queries', () => {
  it('wake for their own service and no other', async () => {
    await register({ Name: 'quiet', Address: '10.6.0.1', Port: 80 });
    const first = await ask('/v1/health/service/quiet');
    const index = first.headers['x-consul-index'] ?? '';
    let done = false;
    const waiting = ask(`/v1/health/service/quiet?index=${index}&wait=20s`).finally(() => (done = true));
    for (let other = 0; other < 5; other += 1) await register({ Name: 'loud', Address: `10.6.1.${other}`, Port: 80 });
    assert.equal(done, false);
    await register({ ID: 'quiet-2', Name: 'quiet', Address: '10.6.0.2', Port: 80 });
    const second = await waiting;
    assert.equal((second.json as readonly unknown[]).length, 2);
    assert.ok(Number(second.headers['x-consul-index']) > Number(index));
  });

  it('of lists wake when the list is another one', async () => {
    const first = await ask('/v1/catalog/services');
    const waiting = ask(`/v1/catalog/services?index=${first.headers['x-consul-index'] ?? ''}&wait=20s`);
    await register({ ID: 'loud-x', Name: 'loud', Address: '10.6.1.99', Port: 80 });
    await register({ Name: 'listed', Address: '10.6.2.1', Port: 80 });
    assert.ok(Object.hasOwn((await waiting).json as object, 'listed'));
  });

  it('of lists do not wake for what is not in them, nor tell by their index that there was something', async () => {
    const first = await ask('/v1/catalog/services?ns=calm');
    const index = first.headers['x-consul-index'] ?? '';
    await register({ ID: 'loud-y', Name: 'loud', Address: '10.6.1.98', Port: 80 });
    let done = false;
    const waiting = ask(`/v1/catalog/services?ns=calm&index=${index}&wait=20s`).finally(() => (done = true));
    for (let other = 0; other < 5; other += 1) await register({ Name: 'loud', Address: `10.6.1.${other}`, Port: 81 });
    assert.equal((await ask('/v1/catalog/services?ns=calm')).headers['x-consul-index'], index);
    assert.equal(done, false);
    await register({ Name: 'calm', Namespace: 'calm', Address: '10.6.3.1', Port: 80 });
    const second = await waiting;
    assert.deepEqual(second.json, { calm: [] });
    assert.ok(Number(second.headers['x-consul-index']) > Number(index));
  });

  it('of long lists miss nothing that happens while the list is made', async () => {
    const crowd = (number: number): Promise<void> => {
      const address = `10.77.${number >> 8}.${number & 255}`;
      return register({ Name: 'crowd', ID: `crowd-${number}`, Address: address, Port: 80, Check: { TTL: '60m' } });
    };
    for (let number = 0; number < 200; number += 1) await crowd(number);
    for (const [round, path] of ['/v1/catalog/nodes', '/v1/health/state/any', '/v1/agent/services'].entries()) {
      const before = await ask(path);
      const [after] = await Promise.all([
        ask(`${path}?wait=60s&index=${before.headers['x-consul-index'] ?? ''}`),
        crowd(1000 + round),
      ]);
      assert.match(after.text, new RegExp(`10\\.77\\.3\\.${232 + round}|crowd-${1000 + round}`));
      assert.ok(Number(after.headers['x-consul-index']) > Number(before.headers['x-consul-index']));
    }
  });

  it('answer after their patience, and at once to an index from the future', async () => {
    const first = await ask('/v1/health/service/quiet');
    const index = Number(first.headers['x-consul-index']);
    const patient = await ask(`/v1/health/service/quiet?index=${index}&wait=50ms`);
    assert.equal(patient.headers['x-consul-index'], String(index));
    const reset = await ask(`/v1/health/service/quiet?index=${index + 1000}&wait=20s`);
    assert.equal(reset.headers['x-consul-index'], String(index));
  });

  it('of one service of an agent go by a hash', async () => {
    const first = await ask('/v1/agent/service/quiet');
    const hash = first.headers['x-consul-contenthash'] ?? '';
    assert.equal((first.json as Readonly<Record<string, unknown>>)['ContentHash'], hash);
    const waiting = ask(`/v1/agent/service/quiet?hash=${hash}&wait=20s`);
    await register({ Name: 'quiet', Address: '10.6.0.1', Port: 81 });
    const second = await waiting;
    assert.equal((second.json as { Port: number }).Port, 81);
    assert.notEqual(second.headers['x-consul-contenthash'], hash);
  });

  it('end with their caller', async () => {
    const gone = new AbortController();
    const first = await ask('/v1/health/service/quiet');
    const path = `/v1/health/service/quiet?index=${first.headers['x-consul-index'] ?? ''}&wait=10m`;
    const left = assert.rejects(ask(path, { signal: gone.signal }));
    gone.abort();
    await left;
  });

  it('do not keep the control plane from stopping', async () => {
    const others = new TestPlanes();
    await others.open();
    const other = await others.start({ consul: { httpPort: 0 } });
    const headers = { 'x-consul-token': readFileSync(other.adminTokenFile, 'utf8').trim() };
    const list = `${other.addresses.consul ?? ''}/v1/catalog/services`;
    const index = (await fetch(list, { headers })).headers.get('x-consul-index') ?? '';
    const waiting = fetch(`${list}?index=${index}&wait=10m`, { headers }).catch(() => undefined);
    await others.close();
    await waiting;
  });
});

describe('who may call the Consul API', () => {
  it('a wrong token, and none, get the answers of AuthenticateRequest', async () => {
    for (const [token, text] of [
      ['nonsense', 'Invalid token'],
      ['with spaces', 'Invalid token'],
      ['', 'Authentication required'],
    ] as const) {
      const answer = await ask('/v1/catalog/services', { token });
      assert.deepEqual([answer.status, answer.text], [401, text]);
    }
    const { admin, close } = connectAsAdmin(plane);
    await until('the refusals are on record', async () => {
      const { records } = await admin.queryAudit({});
      return records.filter((record) => JSON.stringify(record).includes('AUTHENTICATION_FAILED')).length === 3;
    });
    close();
  });

  it('Authorization: Bearer does as well, and ?token= of older clients', async () => {
    const headers = { authorization: `Bearer ${adminToken}` };
    assert.equal((await ask('/v1/catalog/services', { token: '', headers })).status, 200);
    assert.equal((await ask(`/v1/catalog/services?token=${adminToken}`, { token: '' })).status, 200);
    assert.equal((await ask('/v1/catalog/services?token=wrong', { token: '' })).status, 401);
  });

  it('a token that changes nothing may look', async () => {
    const { tokens, close } = connectAsAdmin(plane);
    const { token } = await tokens.createApiToken({ name: 'prometheus', role: 'viewer' });
    close();
    assert.equal((await ask('/v1/catalog/services', { token })).status, 200);
    const body = { Name: 'x', Address: '10.0.0.1', Port: 80 };
    assert.equal((await ask('/v1/agent/service/register', { token, method: 'PUT', body })).status, 403);
  });

  it('a workload registers what it was attested as, with its certificate and nothing else', async () => {
    const { credentials } = await attest(plane, { namespace: 'default', serviceAccount: 'orders', service: 'orders' });
    const put = (Name: string): Promise<Answer> =>
      ask('/v1/agent/service/register', {
        token: '',
        tls: credentials,
        method: 'PUT',
        body: { Name, ID: `${Name}-1`, Port: 80 },
      });
    assert.equal((await put('orders')).status, 200);
    assert.equal((await put('payment-service')).status, 403);
    const own = await ask('/v1/agent/services', { token: '', tls: credentials });
    assert.deepEqual(Object.keys(own.json as object), ['orders-1']);
    const [entry] = (await ask('/v1/health/service/orders')).json as [{ Service: { Address: string } }];
    assert.equal(entry.Service.Address, '127.0.0.1', 'where its agent would be');
    const none = await ask('/v1/agent/services', { token: '', tls: 'none' });
    assert.deepEqual([none.status, none.text], [401, 'Authentication required']);
  });

  it('a refused question and an unknown name get the same answer', async () => {
    await register({ Name: 'secret', Address: '10.7.0.1', Port: 80 }, '/v1/agent/service/register?ns=vault');
    const { credentials } = await attest(plane, { namespace: 'default', serviceAccount: 'curious' });
    await applyDocument({
      apiVersion: 'rampart.dev/v1',
      kind: 'RegistryAcl',
      metadata: { name: 'own-namespace', namespace: 'istio-system' },
      spec: { rules: [{ namespace: 'default', policy: 'read' }] },
    });
    const asked = (path: string): Promise<Answer> => ask(path, { token: '', tls: credentials });
    for (const what of ['health/service', 'catalog/service', 'health/checks']) {
      const secret = await asked(`/v1/${what}/secret?ns=vault`);
      const unknown = await asked(`/v1/${what}/nothing-such?ns=vault`);
      // What is left of the caller's own limit goes by the clock.
      for (const answer of [secret, unknown])
        for (const name of ['date', 'ratelimit']) delete (answer.headers as Record<string, unknown>)[name];
      assert.deepEqual(secret, unknown);
      assert.deepEqual([secret.json, secret.headers['x-consul-results-filtered-by-acls']], [[], 'true']);
    }
    assert.deepEqual((await asked('/v1/catalog/services?ns=vault')).json, {});
    assert.equal((await ask('/v1/health/service/secret?ns=vault')).status, 200);
  });

  it('a caller that asks too often is told when to come back', async () => {
    const { tokens, close } = connectAsAdmin(plane);
    const { token } = await tokens.createApiToken({ name: 'eager', role: 'viewer' });
    close();
    await applyDocument({
      apiVersion: 'rampart.dev/v1',
      kind: 'RegistrySettings',
      metadata: { name: 'default', namespace: 'istio-system' },
      spec: { limits: { queries: { perSecond: 1, burst: 2 } } },
    });
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask('/v1/catalog/services', { token })));
    const first = answers.find(({ status }) => status === 200);
    const last = answers.find(({ status }) => status === 429);
    assert.match(first?.headers['ratelimit'] ?? '', /^"query";r=\d+;t=\d+$/);
    assert.ok(Number(last?.headers['retry-after']) >= 1);
    assert.equal((await ask('/v1/catalog/services')).status, 200, 'operators are not limited');
  });
});

it('the same id of the same host in another namespace is another instance', async () => {
  const put = (namespace: string, Port: number): Promise<void> =>
    register({ Name: 'spaced', Address: '10.0.4.1', Port }, `/v1/agent/service/register?ns=${namespace}`);
  await put('default', 80);
  await put('prod', 81);
  await put('prod', 82);
  const found = async (namespace: string): Promise<unknown[]> => {
    const entries = (await ask(`/v1/health/service/spaced?ns=${namespace}`)).json;
    return (entries as { Service: { ID: string; Port: number } }[]).map(({ Service }) => [Service.ID, Service.Port]);
  };
  assert.deepEqual([await found('default'), await found('prod')], [[['spaced', 80]], [['spaced', 82]]]);
});
