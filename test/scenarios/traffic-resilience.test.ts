import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import http2 from 'node:http2';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { bareEnvironment } from '../harness/environment.ts';
import { Laboratory } from '../harness/laboratory.ts';
import { STRICT } from '../harness/policies.ts';
import { COMMAND } from '../harness/programs.ts';
import { SidecarProcess } from '../harness/sidecar.ts';
import { Workload } from '../harness/workload.ts';

const CLUSTER = 'cluster_name="outbound|80||orders-api.default.svc"';
const REGION = 'topology.kubernetes.io/region';

const run = promisify(execFile);

/** What callers of orders-api are held to, in place of what they were held to before. */
function rule(trafficPolicy: string): string {
  return `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: orders, namespace: default }
spec:
  host: orders-api
  trafficPolicy: ${trafficPolicy}
`;
}

const STALE = `apiVersion: rampart.dev/v1
kind: Fallback
metadata: { name: orders, namespace: default }
spec: { host: orders-api, stale: { maxAge: 1m } }
`;

interface Asked {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

type Ask = (asked: Asked) => Promise<Answered>;

describe('resilience by rules', () => {
  const instances = new Map<string, Workload>();
  let plane: ControlPlaneProcess;
  let laboratory: Laboratory;
  let sidecar: SidecarProcess;
  let session: http2.ClientHttp2Session;

  before(async () => {
    plane = await ControlPlaneProcess.start();
    await plane.apply(`${STRICT}---\n${rule('{ connectionPool: { http: { http2MaxRequests: 100 } } }')}`);
    const labels = { [REGION]: 'eu' };
    [laboratory, sidecar] = await Promise.all([
      Laboratory.start(plane, { serviceAccount: 'users-api', labels }),
      SidecarProcess.start(plane, { serviceAccount: 'web', labels, args: ['--metrics-port', '0'] }),
      start('v1', 'eu'),
      start('v2', 'us'),
      start('v3', 'us'),
    ]);
    session = http2.connect(`http://127.0.0.1:${sidecar.announcement.proxyPort}`);
    await until('all instances to be known everywhere', () => everywhere(async (ask) => (await met(ask)).size === 3));
  });

  after(async () => {
    session.destroy();
    await Promise.all([...instances.values()].map((each) => each.kill()));
    await Promise.all([laboratory.kill(), sidecar.stop()]);
    await plane.stop();
  });

  async function start(version: string, region: string): Promise<void> {
    const labels = { version, [REGION]: region };
    const orders = { script: 'varied.mjs', serviceAccount: 'orders-api', service: 'orders-api' };
    instances.set(version, await Workload.start(plane, { ...orders, labels, env: { VERSION: version } }));
  }

  const clients: Readonly<Record<string, Ask>> = {
    'in-process': (asked) =>
      laboratory.run(async (_, { path, ...how }) => {
        const { status, headers, ...answer } = await fetch(`http://orders-api${path}`, how).then(async (given) => ({
          status: given.status,
          headers: Object.fromEntries(given.headers),
          body: await given.text(),
        }));
        return { status, headers, ...answer };
      }, asked),
    'HTTP/2 through the sidecar': async ({ path, headers }) => {
      const stream = session.request({ ':path': path, ':authority': 'orders-api', ...headers });
      const [{ ':status': status, ...given }] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
      return { status: Number(status), headers: given, body: await text(stream) };
    },
  };

  /** Requests of which the first of a connection is none that could be sent on as it stands. */
  const readThrough: Ask = (asked) =>
    laboratory.run(async ({ http: node, events }, { path, headers = {} }) => {
      const agent = new node.Agent({ keepAlive: true, maxSockets: 1 });
      const ask = async (body: string): Promise<Answered> => {
        const request = node.request({
          host: 'orders-api',
          path,
          headers,
          agent,
          method: body === '' ? 'GET' : 'POST',
        });
        if (body !== '') request.write(body);
        const [answer] = (await events.once(request.end(), 'response')) as [IncomingMessage];
        let said = '';
        for await (const chunk of answer) said += String(chunk);
        return { status: answer.statusCode ?? 0, headers: answer.headers, body: said };
      };
      await ask('of no length');
      const answered = await ask('');
      agent.destroy();
      return answered;
    }, asked);

  /** Says whether something is true of every client. */
  async function everywhere(is: (ask: Ask) => Promise<boolean>): Promise<boolean> {
    return (await Promise.all(Object.values(clients).map(is))).every(Boolean);
  }

  /** How often each instance answers. */
  async function met(ask: Ask, asked: Asked = { path: '/' }, times = 12): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    const answers = await Promise.all(Array.from({ length: times }, () => ask(asked)));
    for (const { status, body } of answers) {
      const who = status === 200 ? (JSON.parse(body) as { version: string }).version : String(status);
      counts.set(who, (counts.get(who) ?? 0) + 1);
    }
    return counts;
  }

  /** What `rampart top` is told. */
  async function standing(): Promise<{ readonly ejected: readonly string[]; readonly open: readonly string[] }> {
    for await (const { services } of plane.admin.watchTraffic({ service: 'orders-api.default', once: true }))
      return { ejected: services[0]?.ejectedInstances ?? [], open: services[0]?.openBreakers ?? [] };
    return { ejected: [], open: [] };
  }

  async function rampart(...words: string[]): Promise<string> {
    const { stdout } = await run(process.execPath, [COMMAND, '--data', plane.folder, ...words], {
      env: bareEnvironment(),
    });
    return stdout;
  }

  async function counted(metric: string, labels = CLUSTER): Promise<number> {
    const line = (await sidecar.metrics()).split('\n').find((each) => each.startsWith(`${metric}{${labels}}`));
    return Number(line?.split(' ').at(-1) ?? 0);
  }

  it('one caller is answered by one instance, another by another: consistentHash', async () => {
    await plane.apply(rule('{ loadBalancer: { consistentHash: { httpHeaderName: x-user } } }'));
    const of = (user: string): Asked => ({ path: '/', headers: { 'x-user': user } });
    await until('the rule to hold', () => everywhere(async (ask) => (await met(ask, of('u0'))).size === 1));
    await everywhere(async (ask) => {
      const all = await Promise.all(Array.from({ length: 12 }, (_, user) => met(ask, of(`u${user}`), 4)));
      assert.ok(all.every(({ size }) => size === 1));
      assert.ok(new Set(all.flatMap((each) => [...each.keys()])).size > 1);
      return true;
    });
  });

  it('an instance that fails is out for a while, which everybody can see: outlierDetection', async () => {
    const outlier = '{ consecutive5xxErrors: 2, interval: 1s, baseEjectionTime: 5s, maxEjectionPercent: 50 }';
    await plane.apply(rule(`{ loadBalancer: { simple: ROUND_ROBIN }, outlierDetection: ${outlier} }`));
    const isOut = async (ask: Ask): Promise<boolean> => !(await met(ask, { path: '/failing-v1' })).has('503');
    await until('everybody to see it', async () => {
      if (!(await everywhere(isOut))) return false;
      const [id, ...more] = (await standing()).ejected;
      if (id === undefined) return false;
      const page = await rampart('describe', 'service', 'orders-api');
      return more.length === 0 && /Ejected for their errors: 127\S+ /.test(page) && page.includes(`(${id})`);
    });
    assert.ok((await counted('envoy_cluster_outlier_detection_ejections_enforced_total')) >= 1);
    await until('it to be back', () => everywhere(async (ask) => (await met(ask)).has('v1')));
    await until('the control plane to hear of that', async () => (await standing()).ejected.length === 0);
  });

  it('the nearest instances answer, and others while those are out: localityLbSetting', async () => {
    const outlier = '{ consecutive5xxErrors: 1, interval: 1s, baseEjectionTime: 1s, maxEjectionPercent: 50 }';
    await plane.apply(rule(`{ loadBalancer: { localityLbSetting: { enabled: true } }, outlierDetection: ${outlier} }`));
    const isNear = async (ask: Ask): Promise<boolean> => [...(await met(ask)).keys()].join() === 'v1';
    await until('the nearest to answer', () => everywhere(isNear));
    await everywhere(async (ask) => {
      assert.equal((await ask({ path: '/failing-v1' })).status, 503);
      const others = await met(ask);
      assert.deepEqual(
        [...others.keys()].filter((who) => !['v2', 'v3'].includes(who)),
        [],
      );
      return true;
    });
    await until('the nearest to answer again', () => everywhere(isNear));
  });

  it('requests beyond a limit wait, and those beyond that are turned away: connectionPool', async () => {
    await plane.apply(rule('{ connectionPool: { tcp: { maxConnections: 1 }, http: { http1MaxPendingRequests: 1 } } }'));
    const crowd = (ask: Ask): Promise<Map<string, number>> => met(ask, { path: '/slow' }, 5);
    const isHeld = async (ask: Ask): Promise<boolean> => (await crowd(ask)).get('503') === 3;
    await until('one to be let in, and one to wait', () => everywhere(isHeld));
    await until('the record of one turned away', async () =>
      (await plane.records()).some((each) => each.request_path === '/slow' && each.response_flags === 'UO'),
    );
    await until('the control plane to hear of it', async () => {
      await everywhere(isHeld);
      return (await standing()).open.length === 2;
    });
    assert.ok((await counted('envoy_cluster_upstream_rq_pending_overflow')) >= 3);
    assert.ok((await counted('rampart_breakers_opened_total')) >= 1);
    await until('that to be over', async () => (await standing()).open.length === 0);
  });

  it('a new instance is given its share little by little: warmup', async () => {
    await plane.apply(rule('{ loadBalancer: { simple: ROUND_ROBIN, warmup: { duration: 6s } } }'));
    await until('the rule to hold', () => everywhere(async (ask) => (await met(ask)).size === 3));
    const share = async (ask: Ask): Promise<number> => (await met(ask, { path: '/' }, 60)).get('v4') ?? 0;
    const first = new Map<Ask, number>();
    const isMet = async (ask: Ask): Promise<boolean> => {
      const given = first.has(ask) ? 0 : await share(ask);
      if (given > 0) first.set(ask, given);
      return first.has(ask);
    };
    // Who waited for the start to end, or for the other client, would look when the time of little is over on a slow machine.
    await Promise.all([start('v4', 'us'), until('it to be known', () => everywhere(isMet), 30_000)]);
    for (const given of first.values()) assert.ok(given < 13, String(given));
    await until('it to be given its share', () => everywhere(async (ask) => (await share(ask)) >= 13));
  });

  it('nobody can answer: the last good answer', async () => {
    await plane.apply(STALE);
    const price = { path: '/price' };
    const all = [
      ...Object.entries(clients).flatMap(([who, ask]) => [
        [who, ask, price] as const,
        [who, ask, { path: '/flushed' }] as const,
      ]),
      ['http, read through', readThrough, { path: '/read' }] as const,
    ];
    await until('a rule to be there', async () => {
      const page = await rampart('describe', 'call', 'orders-api');
      return page.includes('else an earlier answer');
    });
    for (const [who, ask, known] of all) assert.equal((await ask(known)).status, 200, who);
    await Promise.all([...instances.values()].map((each) => each.kill()));
    for (const [who, ask, known] of all) {
      const answer = await until(`it to be given: ${who}`, async () => {
        const given = await ask(known);
        return given.headers['cache-status'] !== undefined && given;
      });
      assert.deepEqual([answer.status, answer.headers['cache-status']], [200, 'rampart; hit; detail=stale']);
      assert.match(String(answer.headers['age']), /^\d+$/);
      assert.equal((JSON.parse(answer.body) as { url: string }).url, known.path);
      for (const other of [{ path: '/other' }, { ...known, headers: { authorization: 'Bearer x' } }])
        assert.equal((await ask(other)).status, 503, who);
    }
    assert.ok((await counted('rampart_fallbacks_total', `${CLUSTER},answer="stale"`)) >= 1);
    await until('its record', async () =>
      (await plane.records()).some(({ response_flags: flags }) => flags === 'UH,RFCF' || flags === 'UF,RFCF'),
    );
  });
});
