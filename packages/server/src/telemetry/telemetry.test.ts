import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Code, ConnectError } from '@connectrpc/connect';
import type { AccessLogRecord, ConnectionRefusal } from '@rampart/core';
import type { ControlPlane } from '../control-plane.ts';
import { FakeDataPlane } from '../testing/fake-data-plane.ts';
import { recordBlock } from '../testing/records.ts';
import { TestPlanes, until } from '../testing/test-plane.ts';
import { type ApiClient, attest, connectAsAdmin, connectTo } from '../testing/workload-client.ts';

const ORDERS = { namespace: 'default', serviceAccount: 'orders', service: 'orders-api' };

interface Tail {
  readonly records: AccessLogRecord[];
  readonly connections: ConnectionRefusal[];
  stop(): void;
}

interface TailOptions {
  readonly history?: number;
  readonly follow?: boolean;
  readonly service?: string;
  readonly decision?: string;
  readonly reporter?: string;
}

describe('telemetry', () => {
  const planes = new TestPlanes();
  let plane: ControlPlane;
  let orders: ApiClient;

  beforeEach(async () => {
    await planes.open();
    plane = await planes.start();
    const { credentials } = await attest(plane, ORDERS);
    orders = planes.keep(connectTo(plane, { credentials }));
  });

  afterEach(() => planes.close());

  function report(sequence: number, paths: readonly string[], client: ApiClient = orders): Promise<unknown> {
    const records = recordBlock(paths.map((path) => ({ path })));
    return client.telemetry.report({
      reporter: 'spool-1',
      sequence: BigInt(sequence),
      records,
      recordCount: paths.length,
    });
  }

  function tail(options: TailOptions): Tail {
    const abort = new AbortController();
    const seen: Tail = { records: [], connections: [], stop: () => abort.abort() };
    const read = async (): Promise<void> => {
      for await (const { records, connections } of planes.keep(connectAsAdmin(plane)).admin.tailLogs(options, {
        signal: abort.signal,
      })) {
        seen.records.push(...records.map((text) => JSON.parse(text) as AccessLogRecord));
        seen.connections.push(...connections.map((text) => JSON.parse(text) as ConnectionRefusal));
      }
    };
    void read().catch(() => undefined);
    return seen;
  }

  async function history(options: TailOptions): Promise<Tail> {
    const seen: Tail = { records: [], connections: [], stop: () => undefined };
    for await (const { records, connections } of planes.keep(connectAsAdmin(plane)).admin.tailLogs({
      history: 100,
      ...options,
    })) {
      seen.records.push(...records.map((text) => JSON.parse(text) as AccessLogRecord));
      seen.connections.push(...connections.map((text) => JSON.parse(text) as ConnectionRefusal));
    }
    return seen;
  }

  async function traffic(): Promise<readonly (readonly [service: string, requests: number])[]> {
    const { admin } = planes.keep(connectAsAdmin(plane));
    for await (const { services } of admin.watchTraffic({ once: true })) {
      return services.map(({ service, requests }) => [service, Number(requests)]);
    }
    return [];
  }

  const paths = ({ records }: Tail): string[] => records.map(({ request_path: path }) => path);

  it('is stored once, however often it is reported', async () => {
    await report(1, ['/a', '/b']);
    await Promise.all([report(1, ['/a', '/b']), report(1, ['/a', '/b']), report(2, ['/c'])]);
    assert.deepEqual(paths(await history({})).sort(), ['/a', '/b', '/c']);
  });

  it('of two workloads does not meet, whatever they call their spools', async () => {
    const { credentials } = await attest(plane, { namespace: 'default', serviceAccount: 'other' });
    await report(1, ['/theirs'], planes.keep(connectTo(plane, { credentials })));
    await report(1, ['/ours']);
    assert.deepEqual(paths(await history({})).sort(), ['/ours', '/theirs']);
  });

  it('says for nobody else what was asked of it', async () => {
    const { credentials } = await attest(plane, { namespace: 'default', serviceAccount: 'other', service: 'other' });
    const other = planes.keep(connectTo(plane, { credentials }));
    await report(1, ['/asked', '/asked']);
    await report(1, ['/made-up', '/made-up', '/made-up'], other);
    const services = await traffic();
    assert.deepEqual(services, [['orders-api.default.svc', 2]]);
  });

  it('is there after a restart', async () => {
    await report(1, ['/a']);
    await plane.stop();
    plane = await planes.start();
    assert.deepEqual(paths(await history({})), ['/a']);
  });

  it('gives the last N records, oldest first', async () => {
    await report(1, ['/1', '/2', '/3']);
    assert.deepEqual(paths(await history({ history: 2 })), ['/2', '/3']);
    assert.deepEqual(paths(await history({ history: 0 })), []);
    await orders.telemetry.report({
      reporter: 'late',
      sequence: 1n,
      records: recordBlock([{ path: '/0', startedAt: 0 }]),
      recordCount: 1,
    });
    assert.deepEqual(paths(await history({ history: 3 })), ['/1', '/2', '/3']);
    assert.deepEqual(paths(await history({ history: 4 })), ['/0', '/1', '/2', '/3']);
  });

  it('follows what comes after what was', async () => {
    await report(1, ['/before']);
    const seen = tail({ history: 10, follow: true });
    await until('history', () => seen.records.length === 1);
    await report(2, ['/after']);
    await until('the next record', () => seen.records.length === 2);
    assert.deepEqual(paths(seen), ['/before', '/after']);
    seen.stop();
  });

  it('shows each record once to a reader that comes in the middle of many', async () => {
    let sequence = 0;
    const sending = async (): Promise<void> => {
      while (sequence < 60) {
        sequence += 1;
        await report(sequence, [`/${sequence}`]);
      }
    };
    const sent = sending();
    await until('some records', () => sequence > 10);
    const seen = tail({ history: 1000, follow: true });
    await sent;
    await until('all records', () => seen.records.length >= 60);
    assert.deepEqual(paths(seen).sort(), Array.from({ length: 60 }, (_, index) => `/${index + 1}`).sort());
    seen.stop();
  });

  const FILTERS: readonly (readonly [TailOptions, readonly string[]])[] = [
    [{ service: 'orders-api' }, ['/allowed', '/denied', '/source']],
    [{ service: 'orders-api.default' }, ['/allowed', '/denied', '/source']],
    [{ service: 'orders' }, []],
    [{ service: 'users-api' }, ['/users']],
    [{ decision: 'DENY' }, ['/denied']],
    [{ reporter: 'source' }, ['/source']],
    [{ service: 'orders-api', decision: 'ALLOW', reporter: 'destination' }, ['/allowed']],
  ];
  for (const [filter, expected] of FILTERS) {
    it(`is filtered by ${JSON.stringify(filter)}`, async () => {
      const records = recordBlock([
        { path: '/allowed' },
        { path: '/denied', decision: 'DENY' },
        { path: '/users', destinationService: 'users-api.default.svc' },
        { path: '/source', reporter: 'source' },
      ]);
      await orders.telemetry.report({ reporter: 'r', sequence: 1n, records, recordCount: 4 });
      assert.deepEqual(paths(await history(filter)), expected);
    });
  }

  it('tells of refused connections, and at which service', async () => {
    const { credentials } = await attest(plane, ORDERS);
    const dataPlane = new FakeDataPlane(planes.keep(connectTo(plane, { credentials }))).connect();
    dataPlane.register('orders-1', 3000);
    await until('the service', () => dataPlane.services.size === 1);
    const at = BigInt(Date.UTC(2026, 0, 1));
    const event = {
      at,
      kind: 'plaintext_rejected',
      reason: 'STRICT',
      remoteAddress: '127.0.0.1:5',
      localPort: 3000,
      peer: '',
    };
    await orders.telemetry.report({ reporter: 'r', sequence: 1n, connectionEvents: [event] });
    assert.deepEqual((await history({ service: 'orders-api' })).connections, [
      {
        timestamp: '2026-01-01T00:00:00.000Z',
        kind: 'plaintext_rejected',
        reason: 'STRICT',
        destination_service: 'orders-api.default.svc',
        remote_address: '127.0.0.1:5',
        local_port: 3000,
        peer: '',
        reported_by: 'spiffe://cluster.local/ns/default/sa/orders',
      },
    ]);
    const metrics = await (await fetch(`${plane.addresses.metrics}/metrics`)).text();
    assert.match(metrics, /rampart_refused_connections_total\{kind="plaintext_rejected"\} 1/);
  });

  it('a block that cannot be read hides no other', async () => {
    const records = recordBlock([{ path: '/cut' }]).subarray(0, -1);
    await orders.telemetry.report({ reporter: 'r', sequence: 1n, records, recordCount: 1 });
    await report(1, ['/good']);
    assert.deepEqual(paths(await history({})), ['/good']);
  });

  const ONE = { reporter: 'r', sequence: 1n, recordCount: 1, records: recordBlock([{ path: '/a' }]) };
  const REFUSED: readonly (readonly [string, Parameters<ApiClient['telemetry']['report']>[0]])[] = [
    ['a reporter without a name', { reporter: '', sequence: 1n }],
    ['a reporter with a strange name', { reporter: 'a b', sequence: 1n }],
    ['a count without records', { reporter: 'r', sequence: 1n, recordCount: 5 }],
    ['an absurd count', { reporter: 'r', sequence: 1n, recordCount: 1_000_000, records: Uint8Array.of(1) }],
    ['a count of more than there are', { ...ONE, recordCount: 2 }],
    ['a count of fewer than there are', { ...ONE, records: recordBlock([{ path: '/a' }, { path: '/b' }]) }],
    ['records that are not counted', { ...ONE, recordCount: 0 }],
    ['what is no block', { reporter: 'r', sequence: 1n, records: Uint8Array.of(1, 2, 3), recordCount: 1 }],
    ['an absurd sequence', { reporter: 'r', sequence: 2n ** 60n }],
    ['an unknown kind of event', { reporter: 'r', sequence: 1n, connectionEvents: [{ kind: 'party' }] }],
    [
      'an impossible time',
      { reporter: 'r', sequence: 1n, connectionEvents: [{ kind: 'policy_denied', at: 2n ** 62n }] },
    ],
  ];
  for (const [what, batch] of REFUSED) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(
        orders.telemetry.report(batch),
        (error) => ConnectError.from(error).code === Code.InvalidArgument,
      );
    });
  }
});
