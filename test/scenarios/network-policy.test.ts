import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';

import { settled, until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { Laboratory } from '../harness/laboratory.ts';
import type { Tools } from '../harness/laboratory.ts';
import type { WorkloadOptions } from '../harness/workload.ts';

/** Who calls orders-api, and whom orders-api calls: what a guide to zero trust shows of NetworkPolicy. */
const ORDERS = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: orders-api-policy
spec:
  podSelector:
    matchLabels:
      app: orders-api
  policyTypes:
  - Ingress
  - Egress
  ingress:
  - from:
    - podSelector:
        matchLabels:
          app: users-api
    ports:
    - protocol: TCP
      port: 8080
  egress:
  - to:
    - podSelector:
        matchLabels:
          app: database
    ports:
    - protocol: TCP
      port: 5432
`;

const BACKEND = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: observatory-backend-netpol
spec:
  podSelector:
    matchLabels:
      app: observatory-backend
  policyTypes:
  - Ingress
  - Egress
  ingress:
  - from:
    - podSelector:
        matchLabels:
          app: observatory-frontend
  egress:
  - to:
    - namespaceSelector:
        matchLabels:
          name: monitoring
    ports:
    - protocol: TCP
      port: 9090  # Prometheus only
`;

const QUARANTINE = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: deny-all-quarantine
spec:
  podSelector:
    matchLabels:
      quarantine: "true"
  policyTypes:
  - Ingress
  - Egress
`;

const CUT_OFF = `apiVersion: rampart.dev/v1
kind: Quarantine
metadata:
  name: incident-7
  namespace: istio-system
spec:
  identities:
  - default/patient
  reason: taken over
`;

/** Well-known ports are taken on an address that nothing else listens on, where there are more loopback addresses than one. */
const HOST = process.platform === 'linux' ? '127.77.4.2' : '127.0.0.1';

type Client = 'http' | 'fetch' | 'undici' | 'net';
const CLIENTS: readonly Client[] = ['http', 'fetch', 'undici'];

describe('NetworkPolicy', () => {
  let plane: ControlPlaneProcess;
  let outside: Server;
  const all: Laboratory[] = [];
  const started = new Map<string, Laboratory>();

  before(async () => {
    plane = await ControlPlaneProcess.start();
    await plane.apply([ORDERS, BACKEND, QUARANTINE].join('---\n'));
    outside = createServer((request, response) => {
      if (request.url === '/hold') response.write('begun');
      else response.end('outside');
    }).listen(0, '127.0.0.1');
    await once(outside, 'listening');
    await Promise.all([
      serve({ serviceAccount: 'orders-api' }, 8080, 8081),
      serve({ serviceAccount: 'database' }, 5432, 5433),
      serve({ serviceAccount: 'prometheus', namespace: 'monitoring' }, 9090),
      serve({ serviceAccount: 'observatory-backend' }, 0),
      start({ serviceAccount: 'users-api' }),
      start({ serviceAccount: 'observatory-frontend' }),
    ]);
  });

  after(async () => {
    outside.close();
    await Promise.all(all.map((each) => each.kill()));
    await plane.stop();
  });

  async function start(options: Omit<WorkloadOptions, 'script'>): Promise<Laboratory> {
    const laboratory = await Laboratory.start(plane, options);
    all.push(laboratory);
    started.set(options.serviceAccount, laboratory);
    return laboratory;
  }

  /** A workload that answers on these ports as the service of its own name. */
  async function serve(options: Omit<WorkloadOptions, 'script'>, ...ports: readonly number[]): Promise<Laboratory> {
    const service = options.service ?? options.serviceAccount;
    const laboratory = await start({ ...options, service });
    for (const port of ports) {
      const bound = await laboratory.run(listen, { port, host: HOST });
      await plane.registered(service, bound);
    }
    return laboratory;
  }

  function of(name: string): Laboratory {
    const found = started.get(name);
    assert.ok(found, name);
    return found;
  }

  async function call(from: string, url: string, client: Client = 'http'): Promise<string> {
    return of(from).run(fetchOnce, { client, url });
  }

  const answered = (from: string, url: string): Promise<true> =>
    until(`${from} to reach ${url}`, async () => (await call(from, url)) === '200');

  const outsideUrl = (): string => `http://127.0.0.1:${(outside.address() as AddressInfo).port}/`;

  describe('orders-api receives from users-api and sends to database', () => {
    for (const client of CLIENTS) {
      it(`${client}: users-api reaches its port`, async () => {
        await answered('users-api', 'http://orders-api:8080/');
        assert.equal(await call('users-api', 'http://orders-api:8080/', client), '200');
      });

      it(`${client}: users-api does not reach another port, and others reach none`, async () => {
        assert.match(await call('users-api', 'http://orders-api:8081/', client), /^(ECONNRESET|UND_ERR_SOCKET|EPIPE)/);
        for (const port of [8080, 8081]) {
          const outcome = await call('observatory-frontend', `http://orders-api:${port}/`, client);
          assert.match(outcome, /^(ECONNRESET|UND_ERR_SOCKET|EPIPE)/);
        }
      });

      it(`${client}: orders-api reaches the database, on its port only`, async () => {
        await answered('orders-api', 'http://database:5432/');
        assert.equal(await call('orders-api', 'http://database:5432/', client), '200');
        assert.match(
          await call('orders-api', 'http://database:5433/', client),
          /^EGRESS_DENIED cannot connect to database\.default\.svc: no egress rule of NetworkPolicy default\/orders-api-policy lets this workload out to cluster\.local\/ns\/default\/sa\/database \(app=database\) on port 5433$/,
        );
      });

      it(`${client}: orders-api reaches nothing else, in the mesh or outside`, async () => {
        assert.match(await call('orders-api', 'http://observatory-backend/', client), /^EGRESS_DENIED/);
        assert.match(
          await call('orders-api', outsideUrl(), client),
          /^EGRESS_DENIED cannot connect to 127\.0\.0\.1:\d+: no egress rule .* lets this workload out to 127\.0\.0\.1 on port/,
        );
        assert.equal(await call('users-api', outsideUrl(), client), '200', 'nobody else is bound by it');
      });
    }

    it('a name is judged by the addresses it resolves to', async () => {
      const url = outsideUrl().replace('127.0.0.1', 'localhost');
      for (const client of [...CLIENTS, 'net'] as const)
        assert.match(await call('orders-api', url, client), /^EGRESS_DENIED/);
    });

    it('orders-api is not cut off from itself', async () => {
      assert.equal(await call('orders-api', 'http://orders-api:8081/'), '200');
    });

    it('plaintext is judged by its address, which no label belongs to', async () => {
      assert.notEqual(await call('users-api', `http://${HOST}:8080/`), '200');
      const refusal = await until('the refusal', async () =>
        (await plane.refusals()).find(({ peer, local_port }) => peer === '' && local_port === 8080),
      );
      assert.equal(refusal.kind, 'policy_denied');
      assert.match(
        refusal.reason,
        /no ingress rule of NetworkPolicy default\/orders-api-policy lets 127\.\S+ in on port 8080/,
      );
    });

    it('refusals are on record with the policy that refused', async () => {
      const peer = 'spiffe://cluster.local/ns/default/sa/observatory-frontend';
      const refusal = await until('the refusal', async () =>
        (await plane.refusals()).find((each) => each.peer === peer),
      );
      assert.equal(refusal.kind, 'policy_denied');
      assert.match(
        refusal.reason,
        /^no ingress rule of NetworkPolicy default\/orders-api-policy lets cluster\.local\/ns\/default\/sa\/observatory-frontend \(app=observatory-frontend\) in on port 808[01]$/,
      );
      const where = [outsideUrl().slice('http://'.length, -1), 'observatory-backend'];
      for (const destination of where) {
        const record = await until(`the record of ${destination}`, async () =>
          (await plane.records()).find(({ reporter, authority }) => reporter === 'source' && authority === destination),
        );
        assert.equal(record.authorization_decision, 'DENY');
        assert.equal(record.authorization_policy, 'default/orders-api-policy');
        assert.equal(record.response_flags, 'UAEX');
        assert.match(record.reason, /^no egress rule of NetworkPolicy/);
      }
    });
  });

  describe('observatory-backend receives from its frontend and sends to monitoring', () => {
    it('a namespace that nobody described answers to its name', async () => {
      await answered('observatory-frontend', 'http://observatory-backend/');
      await answered('observatory-backend', 'http://prometheus.monitoring:9090/');
      assert.notEqual(await call('users-api', 'http://observatory-backend/'), '200');
      assert.match(await call('observatory-backend', 'http://database:5432/'), /^EGRESS_DENIED/);
      assert.match(await call('observatory-backend', outsideUrl()), /^EGRESS_DENIED/);
    });

    it('its labels decide as soon as it is described, and until it is described no more', async () => {
      await plane.apply('apiVersion: v1\nkind: Namespace\nmetadata: { name: monitoring, labels: { team: a } }\n');
      await until('the new labels to count', async () =>
        (await call('observatory-backend', 'http://prometheus.monitoring:9090/')).startsWith('EGRESS_DENIED'),
      );
      await plane.apply(
        'apiVersion: v1\nkind: Namespace\nmetadata: { name: monitoring, labels: { name: monitoring } }\n',
      );
      await answered('observatory-backend', 'http://prometheus.monitoring:9090/');
    });
  });

  it('a quarantined workload is cut off in both directions, its open connections too, others of its identity are not', async () => {
    await plane.admin.deleteResource({ kind: 'NetworkPolicy', namespace: 'default', name: 'deny-all-quarantine' });
    const labels = { quarantine: 'true' };
    await Promise.all([
      serve({ serviceAccount: 'suspect', service: 'suspect', labels }, 0),
      start({ serviceAccount: 'twin' }),
    ]);
    const healthy = of('twin');
    await start({ serviceAccount: 'twin', labels });
    await answered('suspect', outsideUrl());
    await answered('users-api', 'http://suspect/');
    await answered('twin', 'http://database:5433/');
    const held = settled(of('suspect').run(holdOpen, outsideUrl()));
    const holding = settled(of('users-api').run(holdOpen, 'http://suspect/'));
    await until(
      'both to be open',
      async () => (await of('suspect').run(isHeld)) && (await of('users-api').run(isHeld)),
    );

    await plane.apply(QUARANTINE);

    assert.equal(String(Object.values(await held)[0]), 'closed');
    assert.equal(String(Object.values(await holding)[0]), 'closed');
    assert.notEqual(await call('users-api', 'http://suspect/'), '200');
    assert.match(await call('suspect', 'http://database:5433/'), /^EGRESS_DENIED/);
    assert.match(await call('suspect', outsideUrl()), /^EGRESS_DENIED .*default\/deny-all-quarantine/);
    assert.match(await call('twin', 'http://database:5433/'), /^EGRESS_DENIED/);
    assert.equal(await healthy.run(fetchOnce, { client: 'http' as const, url: 'http://database:5433/' }), '200');

    await plane.admin.deleteResource({ kind: 'NetworkPolicy', namespace: 'default', name: 'deny-all-quarantine' });
    await answered('suspect', outsideUrl());
    await answered('users-api', 'http://suspect/');
  });

  it('an identity in quarantine is cut off by everybody, and cuts itself off, its open connections too', async () => {
    await Promise.all([
      serve({ serviceAccount: 'patient', service: 'patient' }, 0),
      start({ serviceAccount: 'visitor' }),
    ]);
    await answered('patient', outsideUrl());
    await answered('visitor', 'http://patient/');
    await answered('patient', 'http://database:5433/');
    const held = settled(of('patient').run(holdOpen, outsideUrl()));
    const holding = settled(of('visitor').run(holdOpen, 'http://patient/'));
    await until('both to be open', async () => (await of('patient').run(isHeld)) && (await of('visitor').run(isHeld)));

    await plane.apply(CUT_OFF);
    const since = performance.now();
    assert.equal(String(Object.values(await held)[0]), 'closed');
    assert.equal(String(Object.values(await holding)[0]), 'closed');
    assert.ok(performance.now() - since < 1000, 'within a second');
    for (const [from, url] of [
      ['visitor', 'http://patient/'],
      ['patient', 'http://database:5433/'],
      ['patient', outsideUrl()],
    ] as const)
      assert.match(
        await call(from, url),
        /^EGRESS_DENIED .*in quarantine by Quarantine istio-system\/incident-7: taken over/,
      );
    assert.equal(await call('patient', 'http://patient/'), '200', 'nobody is cut off from itself');
    assert.equal(await call('visitor', outsideUrl()), '200', 'nobody else is');
    await until('the record of a call that was kept back, with the whole name of the service', async () =>
      (await plane.records()).some(
        ({ reporter, response_flags: flags, destination_service: service }) =>
          reporter === 'source' && flags === 'UAEX' && service === 'patient.default.svc',
      ),
    );

    await plane.admin.deleteResource({ kind: 'Quarantine', namespace: 'istio-system', name: 'incident-7' });
    await answered('patient', outsideUrl());
    await answered('visitor', 'http://patient/');
  });

  it('holders of one identity are told apart by their certificates', async () => {
    const name = 'two-faced';
    await start({ serviceAccount: name, labels: { app: 'users-api' } });
    const good = of(name);
    await start({ serviceAccount: name, labels: { app: 'mallory' } });
    await until(
      'the one with the label to get in',
      async () => (await good.run(fetchOnce, { client: 'http' as const, url: 'http://orders-api:8080/' })) === '200',
    );
    assert.notEqual(await call(name, 'http://orders-api:8080/'), '200');
  });

  it('a control plane that starts again still knows who everybody is', async () => {
    await plane.kill();
    assert.equal(await call('users-api', 'http://orders-api:8080/'), '200');
    await plane.up();
    const joined = await start({ serviceAccount: 'newcomer', labels: { app: 'users-api' } });
    await until(
      'a newcomer to be let in',
      async () => (await joined.run(fetchOnce, { client: 'http' as const, url: 'http://orders-api:8080/' })) === '200',
    );
    assert.equal(await call('users-api', 'http://orders-api:8080/'), '200');
    assert.notEqual(await call('observatory-frontend', 'http://orders-api:8080/'), '200');
  });
});

/** Runs in a workload. */
function listen({ http, kept }: Tools, where: { port: number; host: string }): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = http.createServer((request, response) => {
      if (request.url === '/hold') response.write('begun');
      else response.end('fine');
    });
    kept[`server ${where.port}`] = server;
    server.on('error', reject).listen(where.port, where.host, () => resolve((server.address() as AddressInfo).port));
  });
}

/** Runs in a workload: the status, or the code and words of the error. */
async function fetchOnce(
  { http, net, undici }: Tools,
  { client, url }: { client: Client; url: string },
): Promise<string> {
  const words = (cause: unknown): string => {
    const error = cause as Error & { code?: string };
    if (error.code === undefined && error.cause !== undefined) return words(error.cause);
    return `${String(error.code)} ${error.message}`;
  };
  try {
    if (client === 'fetch') return String((await fetch(url, { headers: { connection: 'close' } })).status);
    if (client === 'undici') {
      const { statusCode, body } = await undici.request(url);
      await body.dump();
      return String(statusCode);
    }
    return await new Promise<string>((resolve, reject) => {
      if (client === 'net') {
        const { hostname, port } = new URL(url);
        const socket = net.connect({ host: hostname, port: Number(port) }, () => resolve('200'));
        socket.on('error', reject);
        return;
      }
      const request = http.get(url, { agent: false }, (response) => {
        response.resume().on('end', () => resolve(String(response.statusCode)));
      });
      request.on('error', reject);
    });
  } catch (error) {
    return words(error);
  }
}

/** Runs in a workload: begins a request that is not answered in full; resolves when its connection is gone. */
function holdOpen({ http, kept }: Tools, url: string): Promise<string> {
  return new Promise((resolve) => {
    const request = http.get(new URL('/hold', url), { agent: false }, (response) => {
      kept['held'] = true;
      response.on('error', () => undefined).resume();
    });
    request.on('error', () => undefined).on('close', () => resolve('closed'));
  });
}

/** Runs in a workload. */
function isHeld({ kept }: Tools): boolean {
  return kept['held'] === true;
}
