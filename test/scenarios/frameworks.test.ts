import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { STRICT } from '../harness/policies.ts';
import { Workload } from '../harness/workload.ts';

interface Answer {
  readonly status?: number;
  readonly body?: string;
  readonly error?: string;
}

const SERVICES: Readonly<Record<string, string>> = {
  'express-esm': 'express.mjs',
  'fastify-esm': 'fastify.mjs',
  'fastify-cjs': 'fastify.cjs',
  'hono-esm': 'hono.mjs',
  'plain-esm': 'named-imports.mjs',
  'plain-cjs': 'required.cjs',
};

const CLIENTS = [
  'keep-alive agent',
  'agent: false',
  'default agent',
  'own agent class',
  'parts instead of a URL',
  'headers as an array',
  'https.request',
  'named https request',
  'fetch',
  'fetch of a Request',
  'undici.request',
  'undici.fetch',
  'undici Pool',
  'undici with a dispatcher of its own',
  'global dispatcher set by the application',
  'required http.get',
  'destructured request',
  'destructured get',
  'required undici',
];

describe('services and clients as they are, with no line of mesh in them', () => {
  let plane: ControlPlaneProcess;
  let services: Workload[];
  let caller: Workload;

  before(async () => {
    plane = await ControlPlaneProcess.start();
    await plane.apply(STRICT);
    services = await Promise.all(
      Object.entries(SERVICES).map(([service, script]) =>
        Workload.start(plane, { script: `frameworks/${script}`, serviceAccount: service, service }),
      ),
    );
    caller = await Workload.start(plane, { script: 'frameworks/clients.mjs', serviceAccount: 'caller' });
    for (const service of Object.keys(SERVICES)) {
      await until(`the caller to know ${service}`, async () => (await call('fetch', service)).status === 200);
    }
  });

  after(async () => {
    await Promise.all([...services, caller].map((workload) => workload.kill()));
    await plane.stop();
  });

  const call = (client: string, service: string): Promise<Answer> =>
    caller.ask<Answer>({ client, url: `http://${service}/hello/ada` });

  for (const service of Object.keys(SERVICES)) {
    it(`${service} answers, and sees plain HTTP`, async () => {
      const answer = await call('fetch', service);
      assert.equal(answer.status, 200, answer.error);
      assert.deepEqual(JSON.parse(answer.body ?? ''), { name: 'ada', protocol: 'http', secure: false });
      assert.deepEqual(await caller.ask<Answer>({ url: `http://${service}/items`, body: { item: 'lamp' } }), {
        status: 201,
        body: '{"created":"lamp"}',
      });
    });
  }

  for (const client of CLIENTS) {
    it(`${client} reaches every service`, async () => {
      for (const service of Object.keys(SERVICES)) {
        const answer = await call(client, service);
        assert.equal(answer.status, 200, `${service}: ${answer.error ?? answer.body}`);
        assert.equal((JSON.parse(answer.body ?? '') as { name: string }).name, 'ada');
      }
    });
  }

  it('every call was made over mutual TLS under the caller’s identity, and recorded once at each end', async () => {
    const { services: registered } = await plane.admin.listServices({});
    assert.equal(registered.length, Object.keys(SERVICES).length);
    const calls = CLIENTS.length * Object.keys(SERVICES).length;
    const records = await until('all records', async () => {
      const found = (await plane.records()).filter(
        (record) => record.request_path === '/hello/ada' && record.response_code === 200,
      );
      const sent = found.filter((record) => record.reporter === 'source');
      return sent.length >= calls && found.length === 2 * sent.length ? found : undefined;
    });
    const ends = Map.groupBy(records, (record) => `${record.request_id} ${record.reporter}`);
    assert.deepEqual(
      [...ends].filter(([, each]) => each.length > 1),
      [],
      'a request is recorded once by each end',
    );
    for (const record of records) {
      assert.equal(record.source_principal, 'spiffe://cluster.local/ns/default/sa/caller');
      assert.equal(record.tls_version, 'TLSv1.3');
    }
  });
});
