import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { RegisteredInstance, WatchInstancesResponse } from '@rampart/wire';
import { ended, type PlaneProcess, startProcess } from '../testing/plane-process.ts';
import { TestPlanes, until } from '../testing/test-plane.ts';
import { type ApiClient, connectAsAdmin } from '../testing/workload-client.ts';

/** `RAMPART_CRASH_ROUNDS=100 node --test packages/server/src/registry/registry-crash.test.ts` for a long run. */
const ROUNDS = Number(process.env['RAMPART_CRASH_ROUNDS'] ?? 10);
const WRITERS = 12;
const INSTANCES_EACH = 8;
const SERVICES = 4;
const MOST_ANSWERS = 300;

type Registry = ApiClient['registry'];

/** What its one writer knows of an instance: the port that was acknowledged last, 0 for none, and the one that was asked for since. */
interface Known {
  readonly instanceId: string;
  readonly service: string;
  acknowledged: number;
  asked: number | undefined;
}

interface History {
  readonly instances: readonly Known[];
  answers: number;
  reads: number;
  /** What did not go as promised. */
  readonly wrong: string[];
}

describe(`a registry that is killed under load, ${ROUNDS} times`, () => {
  const planes = new TestPlanes();

  beforeEach(() => planes.open());
  afterEach(() => planes.close());

  it('has every acknowledged registration, none twice, and its watches told of all of it in order', async (test) => {
    const history: History = { instances: startingPoint(), answers: 0, reads: 0, wrong: [] };
    let running = await startProcess(planes.dataDirectory);
    for (let round = 0; round < ROUNDS; round += 1) {
      await useUntilKilled(running, history);
      assert.deepEqual(history.wrong, [], `round ${round}`);
      running = await startProcess(planes.dataDirectory);
      await judge(running, history);
    }
    running.child.kill('SIGTERM');
    await ended(running.child);
    test.diagnostic(`${history.answers} changes acknowledged, ${history.reads} reads`);
    assert.ok(history.answers >= ROUNDS);
  });
});

function startingPoint(): Known[] {
  return Array.from({ length: WRITERS * INSTANCES_EACH }, (_, index) => ({
    instanceId: `i-${index}`,
    service: `service-${index % SERVICES}`,
    acknowledged: 0,
    asked: undefined,
  }));
}

async function useUntilKilled({ child, plane }: PlaneProcess, history: History): Promise<void> {
  const clients = Array.from({ length: 4 }, () => connectAsAdmin(plane));
  const registryOf = (index: number): Registry => (clients[index % clients.length] ?? connectAsAdmin(plane)).registry;
  const { promise: due, resolve } = Promise.withResolvers<void>();
  let left = randomInt(1, MOST_ANSWERS);
  const answered = (): void => {
    left -= 1;
    if (left === 0) setTimeout(resolve, randomInt(10));
  };
  const watch = following(registryOf(0).watch({ namespace: 'default' }), history);
  const work = [
    ...Array.from({ length: WRITERS }, (_, writer) => write(registryOf(writer), history, { writer, answered })),
    ...Array.from({ length: 2 }, (_, reader) => read(registryOf(reader), history)),
  ];
  await Promise.race([due, Promise.all(work)]);
  child.kill('SIGKILL');
  await Promise.allSettled([...work, watch]);
  await ended(child);
  for (const client of clients) client.close();
}

interface Writer {
  readonly writer: number;
  answered(): void;
}

/** Registers, changes and deregisters the instances that are its own. */
async function write(registry: Registry, history: History, { writer, answered }: Writer): Promise<void> {
  const own = history.instances.slice(writer * INSTANCES_EACH, (writer + 1) * INSTANCES_EACH);
  for (;;) {
    const known = own[randomInt(own.length)];
    assert.ok(known !== undefined);
    const { instanceId, service } = known;
    const port = known.acknowledged !== 0 && randomInt(4) === 0 ? 0 : randomInt(1, 65_535);
    known.asked = port;
    if (port === 0) await registry.deregister({ instanceId, reason: 'test' });
    else {
      const instance = { instanceId, service, namespace: 'default', host: '10.0.0.1', port, permanent: true };
      await registry.register({ instance });
    }
    known.acknowledged = port;
    known.asked = undefined;
    history.answers += 1;
    answered();
  }
}

/** Whoever reads after a change was acknowledged sees it, or one that was asked for later. */
async function read(registry: Registry, history: History): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    const service = `service-${turn % SERVICES}`;
    const before = new Map(history.instances.map((known) => [known.instanceId, { ...known }]));
    const { instances } = await registry.find({ service, namespace: 'default' });
    const found = portsOf(instances, history);
    for (const known of history.instances) {
      const then = before.get(known.instanceId);
      if (known.service !== service || then === undefined) continue;
      // Changed while it was read, either is right; else it is what was acknowledged.
      if (then.asked !== undefined || known.asked !== undefined || known.acknowledged !== then.acknowledged) continue;
      const seen = found.get(known.instanceId) ?? 0;
      if (seen !== then.acknowledged) history.wrong.push(`read ${known.instanceId}: ${seen}, not ${then.acknowledged}`);
    }
    history.reads += 1;
  }
}

/** Revisions grow, and nothing is taken away that was never told of. */
async function following(messages: AsyncIterable<WatchInstancesResponse>, history: History): Promise<void> {
  const there = new Set<string>();
  let last = 0n;
  for await (const { reset, events, revision } of messages) {
    if (reset) there.clear();
    for (const event of events) {
      if (!reset && event.revision <= last) history.wrong.push(`watch: ${event.revision} after ${last}`);
      if (event.revision > revision) history.wrong.push(`watch: ${event.revision} within ${revision}`);
      if (event.event.case === 'put') there.add(event.event.value.instanceId);
      else if (event.event.case === 'gone' && !there.delete(event.event.value.instanceId)) {
        history.wrong.push(`watch: ${event.event.value.instanceId} is gone and never came`);
      }
    }
    last = revision;
  }
}

/** What the next start says of everything that was answered by then; what was asked for and not answered may have come about. */
async function judge({ plane }: PlaneProcess, history: History): Promise<void> {
  const admin = connectAsAdmin(plane);
  try {
    const found = new Map<string, number>();
    for (let index = 0; index < SERVICES; index += 1) {
      const { instances } = await admin.registry.find({ service: `service-${index}`, namespace: 'default' });
      for (const [id, port] of portsOf(instances, history)) found.set(id, port);
    }
    for (const known of history.instances) {
      const port = found.get(known.instanceId) ?? 0;
      assert.ok(
        port === known.acknowledged || port === known.asked,
        `${known.instanceId}: ${port}, acknowledged ${known.acknowledged}, asked ${known.asked}`,
      );
      known.acknowledged = port;
      known.asked = undefined;
    }
    await until('a watch agrees with what is found', async () => {
      for await (const { events } of admin.registry.watch({ namespace: 'default' })) {
        return events.filter(({ event }) => event.case === 'put').length === found.size;
      }
      return false;
    });
  } finally {
    admin.close();
  }
}

function portsOf(instances: readonly RegisteredInstance[], { wrong }: History): Map<string, number> {
  const ports = new Map<string, number>();
  for (const { instanceId, port } of instances) {
    if (ports.has(instanceId)) wrong.push(`${instanceId} is there twice`);
    ports.set(instanceId, port);
  }
  return ports;
}
