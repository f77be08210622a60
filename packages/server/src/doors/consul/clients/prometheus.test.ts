import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ControlPlane } from '../../../control-plane.ts';
import { freePort, type OutsideProcess, startOutside } from '../../../testing/outside-process.ts';
import { prometheusWithConsul } from '../../../testing/prometheus.ts';
import { TestPlanes, until } from '../../../testing/test-plane.ts';

interface Target {
  readonly scrapePool: string;
  readonly health: string;
  readonly discoveredLabels: Readonly<Record<string, string>>;
}

/** Prometheus looks at what it was told no more often than every five seconds. */
const PATIENCE_MS = 30_000;
const ONLY_CART = 'service "cart" { policy = "read" }';

const found = prometheusWithConsul();

describe('Prometheus with consul_sd_configs', { skip: 'missing' in found && found.missing }, () => {
  const planes = new TestPlanes();
  const shop: Server = createServer((_request, response) => response.end('orders_total 7\n'));
  let plane: ControlPlane;
  let admin: string;
  let folder: string;
  let prometheus: OutsideProcess;
  let api: string;

  /** A change by the Consul API, as an administrator. */
  const put = async (path: string, body: object = {}): Promise<Readonly<Record<string, unknown>>> => {
    const address = `${plane.addresses.consul ?? ''}${path}`;
    const headers = { 'x-consul-token': admin };
    const answer = await fetch(address, { method: 'PUT', headers, body: JSON.stringify(body) });
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    return text.startsWith('{') ? (JSON.parse(text) as Readonly<Record<string, unknown>>) : {};
  };

  const targets = async (): Promise<readonly Target[]> => {
    const answer = await fetch(`${api}/api/v1/targets?state=active`).catch(() => undefined);
    if (answer?.ok !== true) return [];
    const { data } = (await answer.json()) as { readonly data: { readonly activeTargets: readonly Target[] } };
    return data.activeTargets;
  };

  /** What each job scrapes: "cart-1 cart-2". */
  const scraped = async (): Promise<Readonly<Record<string, string>>> => {
    const ids: Record<string, string[]> = { all: [], edge: [], narrow: [], stranger: [] };
    for (const { scrapePool, discoveredLabels } of await targets())
      ids[scrapePool]?.push(discoveredLabels['__meta_consul_service_id'] ?? '');
    return Object.fromEntries(Object.entries(ids).map(([job, found]) => [job, found.toSorted().join(' ')]));
  };

  const follows = async (expected: Readonly<Record<string, string>>): Promise<void> => {
    let last: unknown;
    const isSo = async (): Promise<boolean> => JSON.stringify((last = await scraped())) === JSON.stringify(expected);
    await until('Prometheus follows', isSo, PATIENCE_MS).catch((error: unknown) => {
      assert.deepEqual(last, expected, String(error));
    });
  };

  before(async () => {
    await planes.open();
    plane = await planes.start({ consul: { httpPort: 0, httpsPort: 0 } });
    admin = readFileSync(plane.adminTokenFile, 'utf8').trim();
    await once(shop.listen(0, '127.0.0.1'), 'listening');
    const { port } = shop.address() as AddressInfo;
    await put('/v1/agent/service/register', {
      ID: 'cart-1',
      Name: 'cart',
      Address: '127.0.0.1',
      Port: port,
      Tags: ['v1', 'edge'],
      Meta: { version: '2.1.0', 'build-id': 'x' },
    });
    await put('/v1/agent/service/register', { ID: 'ledger-1', Name: 'ledger', Address: '10.0.0.2', Port: 5432 });
    await put('/v1/agent/service/register?ns=shop', { ID: 'till-1', Name: 'till', Address: '10.0.0.3', Port: 80 });
    await put('/v1/acl/policy', { Name: 'narrow', Rules: ONLY_CART });
    const narrow = await put('/v1/acl/token', { Description: 'narrow', Policies: [{ Name: 'narrow' }] });

    folder = await mkdtemp(join(tmpdir(), 'rampart-prometheus-'));
    const own = await freePort();
    api = `http://127.0.0.1:${own}`;
    const plain = new URL(plane.addresses.consul ?? '').host;
    const job = (name: string, fields: object): object => ({
      job_name: name,
      consul_sd_configs: [{ server: plain, refresh_interval: '1s', ...fields }],
    });
    const secure = {
      server: new URL(plane.addresses.consulTls ?? '').host,
      scheme: 'https',
      token: admin,
      tls_config: { ca_file: plane.caFile },
    };
    // Its configuration is YAML, and every JSON document is one.
    const configuration = {
      global: { scrape_interval: '1s', scrape_timeout: '1s' },
      scrape_configs: [
        job('all', secure),
        job('edge', { token: admin, tags: ['edge'] }),
        job('narrow', { token: narrow['SecretID'] }),
        job('stranger', { token: 'guessed' }),
      ],
    };
    await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(configuration));
    prometheus = startOutside('program' in found ? found.program : '', [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${own}`,
    ]);
  });

  after(async () => {
    await prometheus.stop();
    shop.close();
    await planes.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('finds what each token may know of, and follows changes', async () => {
    await follows({ all: 'cart-1 ledger-1', edge: 'cart-1', narrow: 'cart-1', stranger: '' });
    const target = (await targets()).find(({ scrapePool }) => scrapePool === 'edge');
    const labels = target?.discoveredLabels ?? {};
    assert.deepEqual(labels, {
      ...labels,
      __meta_consul_service: 'cart',
      __meta_consul_service_id: 'cart-1',
      __meta_consul_service_address: '127.0.0.1',
      __meta_consul_service_port: String((shop.address() as AddressInfo).port),
      __meta_consul_service_metadata_version: '2.1.0',
      __meta_consul_service_metadata_build_id: 'x',
      __meta_consul_tags: ',v1,edge,',
      __meta_consul_address: '127.0.0.1',
      __meta_consul_node: 'ip-127-0-0-1',
      __meta_consul_dc: 'dc1',
      __meta_consul_health: 'passing',
    });
    const isUp = async (): Promise<boolean> =>
      (await targets()).some(({ scrapePool, health }) => scrapePool === 'narrow' && health === 'up');
    await until('what was found is scraped', isUp, PATIENCE_MS);

    const second = { ID: 'cart-2', Name: 'cart', Address: '10.0.0.4', Port: 80, Tags: ['edge'] };
    await put('/v1/agent/service/register', second);
    await put('/v1/agent/service/register', {
      ID: 'ledger-1',
      Name: 'ledger',
      Address: '10.0.0.2',
      Port: 5432,
      Tags: ['edge'],
    });
    await put('/v1/agent/service/register', { ID: 'mail-1', Name: 'mail', Address: '10.0.0.5', Port: 25 });
    await put('/v1/agent/service/deregister/cart-1');
    await put('/v1/agent/service/deregister/till-1?ns=shop');
    await follows({ all: 'cart-2 ledger-1 mail-1', edge: 'cart-2 ledger-1', narrow: 'cart-2', stranger: '' });
  });
});
