import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Code, ConnectError } from '@connectrpc/connect';
import type { RegisteredInstance } from '@rampart/wire';
import type { ApiClient } from '../../../testing/workload-client.ts';
import { monotonicNow } from '../observations.ts';
import { FIXED, LEASED, MOVING, NAMESPACE, placeOf, SERVICES, type Subject } from '../workload.ts';
import type { Recorder } from './recorder.ts';

type Registry = ApiClient['registry'];

const WRITERS = 6;
const READERS = 2;
/** One in so many writes takes an instance away. */
const DEREGISTRATIONS = 4;
const MOST_RENEWALS = 4;

/** Writers, readers and holders of leases at the door of the API. */
export function startApiCallers(recorder: Recorder): readonly Promise<void>[] {
  const grants = countFrom(1);
  return [
    ...Array.from({ length: WRITERS }, (_, index) => {
      const ports = portsOf(index);
      return forEach(recorder, `api writer ${index}`, (registry, call) => write(registry, { ...call, ports }));
    }),
    ...Array.from({ length: READERS }, (_, index) =>
      forEach(recorder, `api reader ${index}`, (registry, call) => read(registry, { ...call, first: index })),
    ),
    ...LEASED.map((subject, index) => {
      const ports = portsOf(WRITERS + index);
      return forEach(recorder, `holder of ${subject.instanceId}`, (registry, call) =>
        hold(registry, { ...call, subject, ports, grants }),
      );
    }),
  ];
}

export interface Call {
  readonly recorder: Recorder;
  readonly by: string;
  readonly run: number;
}

/** Numbers, one after the other. */
export function countFrom(first: number): () => number {
  let next = first;
  return () => next++;
}

/** Gives an instance a port that it never had. */
export type Ports = (subject: Subject) => number;

/** Callers have every 32nd port each, 2,000 for each instance. */
export function portsOf(caller: number): Ports {
  const turns = new Map<string, number>();
  return ({ instanceId }) => {
    const turn = turns.get(instanceId) ?? 0;
    turns.set(instanceId, turn + 1);
    return 1 + ((caller + 32 * turn) % 65_504);
  };
}

export function anyOf<T>(values: readonly T[]): T {
  const value = values[randomInt(values.length)];
  if (value === undefined) throw new Error('BUG: nothing to choose from');
  return value;
}

function forEach(
  recorder: Recorder,
  by: string,
  work: (registry: Registry, call: Call) => Promise<void>,
): Promise<void> {
  return recorder.withEach(by, (reach) => work(recorder.client(reach).registry, { recorder, by, run: reach.run }));
}

async function write(registry: Registry, { recorder, ports, ...call }: Call & { ports: Ports }): Promise<void> {
  while (!recorder.over.aborted) {
    const subject = anyOf(randomInt(5) === 0 ? MOVING : FIXED);
    if (randomInt(DEREGISTRATIONS) === 0) await deregister(registry, subject, { recorder, ...call });
    else await register(registry, subject, { recorder, ...call, port: ports(subject) });
  }
}

async function register(
  registry: Registry,
  subject: Subject,
  { recorder, port, grant, ...call }: Call & { readonly port: number; readonly grant?: number },
): Promise<void> {
  const { instanceId, host, leaseMs } = subject;
  const place = { ...placeOf(subject, port), ...(grant === undefined ? {} : { grant }) };
  const lease = leaseMs === 0 ? { permanent: true } : { leaseMs: BigInt(leaseMs) };
  const action = { kind: 'register', place } as const;
  await recorder.write({ ...call, instanceId, action }, async () => {
    const instance = { instanceId, service: place.service, namespace: NAMESPACE, host, port, ...lease };
    const { revision } = await registry.register({ instance });
    return { action, revision: Number(revision) };
  });
}

async function deregister(registry: Registry, { instanceId }: Subject, { recorder, ...call }: Call): Promise<void> {
  await recorder.write({ ...call, instanceId, action: { kind: 'deregister', found: undefined } }, async () => {
    const found = await registry.deregister({ instanceId, reason: 'test' }).then(
      () => true,
      (error: unknown) => {
        if (error instanceof ConnectError && error.code === Code.NotFound) return false;
        throw error;
      },
    );
    return { action: { kind: 'deregister', found } };
  });
}

async function read(registry: Registry, { recorder, first, ...call }: Call & { first: number }): Promise<void> {
  for (let turn = first; !recorder.over.aborted; turn += 1) {
    const service = SERVICES[turn % SERVICES.length] ?? '';
    const from = monotonicNow();
    const { instances, revision } = await registry.find({ service, namespace: NAMESPACE });
    recorder.look({ ...call, service, from, revision: Number(revision), places: instances.map(placeIn) });
  }
}

function placeIn({ instanceId, port }: RegisteredInstance): readonly [string, number] {
  return [instanceId, port];
}

/** Registers with a lease, renews it some times, and then takes the instance away or leaves it to its end. */
async function hold(
  registry: Registry,
  {
    subject,
    ports,
    grants,
    ...call
  }: Call & { readonly subject: Subject; readonly ports: Ports; readonly grants: () => number },
): Promise<void> {
  const { recorder, ...caller } = call;
  const { instanceId, leaseMs } = subject;
  const renew = async (): Promise<void> => {
    const grant = grants();
    const lost = { kind: 'renew', found: undefined, grant } as const;
    await recorder.write({ ...caller, instanceId, action: lost }, async () => {
      const { unknown } = await registry.renew({ instanceIds: [instanceId] });
      return { action: { kind: 'renew', found: unknown.length === 0, grant } };
    });
  };
  while (!recorder.over.aborted) {
    await register(registry, subject, { ...call, port: ports(subject), grant: grants() });
    for (let left = randomInt(MOST_RENEWALS); left > 0; left -= 1) {
      await pause(randomInt(leaseMs / 2), undefined, { signal: recorder.over }).catch(() => undefined);
      await renew();
    }
    if (randomInt(2) === 0) await deregister(registry, subject, call);
    else await pause(randomInt(leaseMs / 2, 2 * leaseMs), undefined, { signal: recorder.over }).catch(() => undefined);
    await renew();
  }
}
