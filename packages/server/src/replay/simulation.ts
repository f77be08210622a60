import { type Clock, type Resource, resourceKey } from '@rampart/core';
import { Replay, type ReplayReport, Traffic } from '@rampart/core/analysis';
import type { ResourceSet } from '../resources/resource-set.ts';
import { inSlices, TimeSlices } from '../time-slices.ts';
import { readTraffic, type TrafficSource } from './traffic-reader.ts';
import { AttestedWorkloads, type AttestedWorkloadsOptions } from './attested-workloads.ts';

export interface SimulationParts extends TrafficSource, AttestedWorkloadsOptions {
  readonly resources: ResourceSet;
  readonly clock: Clock;
  readonly trustDomain: string;
  readonly rootNamespace: string;
}

export interface SimulationRequest {
  readonly candidate: readonly Resource[];
  /** The candidate alone, instead of the live set with the candidate's resources in it. */
  readonly replaceAll: boolean;
  /** Unix milliseconds. */
  readonly since: number;
  readonly signal: AbortSignal;
}

export type SimulationStep =
  | { readonly progress: { readonly records: number; readonly total: number } }
  | { readonly report: SimulationReport };

/** A report, and what was not replayed. */
export interface SimulationReport extends ReplayReport {
  /** RFC 3339. */
  readonly since: string;
  readonly leftOut: Traffic['leftOut'];
}

/** Distinct requests that are held before they are judged: what bounds the memory of a replay. */
const MOST_WAITING = 50_000;

/** Replays what is on record by a candidate, in slices; tells how far it has come, and what it found at the end. */
export async function* simulate(parts: SimulationParts, request: SimulationRequest): AsyncGenerator<SimulationStep> {
  const { clock, resources, rootNamespace, trustDomain } = parts;
  const live = resources.all().map(({ resource }) => resource);
  const candidate = request.replaceAll ? request.candidate : merged(live, dated(request.candidate, resources, clock));
  const workloads = new AttestedWorkloads(parts);
  const traffic = new Traffic({
    since: request.since,
    changedAt: await changesOf(resources, rootNamespace),
    asksUserAgent: [...live, ...candidate].some(asksUserAgent),
  });
  const replay = new Replay({
    live,
    candidate,
    rootNamespace,
    trustDomain,
    labelsOf: (principal, instance) => workloads.labelsOf(principal, instance),
    callerLabelsOf: (principal) => workloads.holdersOf(principal),
  });
  const slices = new TimeSlices(clock, request.signal);
  const judge = async (): Promise<void> => {
    const waiting = traffic.take();
    for (const principal of new Set(waiting.flatMap(({ request }) => [request.destination, request.source]))) {
      await workloads.learn(principal);
    }
    await inSlices(waiting, slices, (counted) => replay.judge(counted));
  };
  for await (const { records, progress } of readTraffic(parts, request.since, slices)) {
    await inSlices(records, slices, (record) => traffic.add(record));
    if (traffic.size > MOST_WAITING) {
      await judge();
    }
    yield { progress };
  }
  await judge();
  const since = new Date(Math.max(0, request.since)).toISOString();
  yield { report: { since, ...replay.report(), leftOut: traffic.leftOut } };
}

/** The live set with the candidate's resources in the place of those of the same name. */
function merged(live: readonly Resource[], candidate: readonly Resource[]): Resource[] {
  const replaced = new Set(candidate.map(resourceKey));
  return [...live.filter((resource) => !replaced.has(resourceKey(resource))), ...candidate];
}

/** As they would be dated when they are applied: age decides between policies that say the same of different things. */
function dated(candidate: readonly Resource[], resources: ResourceSet, clock: Clock): Resource[] {
  return candidate.map((resource) => {
    const createdAt = resources.get(resourceKey(resource))?.createdAt ?? clock.now();
    return { ...resource, metadata: { ...resource.metadata, createdAt } };
  });
}

/** Since which revision the policies that concern a namespace are those in force now. */
async function changesOf(resources: ResourceSet, rootNamespace: string): Promise<(namespace: string) => number> {
  const latest = new Map<string, number>();
  const note = (key: string, revision: number): void => {
    const namespace = key.split('/')[1] ?? '';
    latest.set(namespace, Math.max(latest.get(namespace) ?? 0, revision));
  };
  for (const { key, revision } of resources.all()) {
    note(key, revision);
  }
  // What was deleted is in history alone; what was deleted before history reaches back counts as changed at its beginning.
  for (const { revision, changes } of await resources.history(WHOLE_HISTORY)) {
    for (const { key } of changes) {
      note(key, revision);
    }
  }
  const floor = await resources.oldest();
  return (namespace) =>
    Math.max(floor, latest.get(rootNamespace) ?? 0, latest.get('') ?? 0, latest.get(namespace) ?? 0);
}

const WHOLE_HISTORY = 2000;
const USER_AGENT = /^request\.headers\[user-agent\]$/i;

function asksUserAgent(resource: Resource): boolean {
  return (
    resource.kind === 'AuthorizationPolicy' &&
    (resource.spec.rules ?? []).some(({ when = [] }) => when.some(({ key }) => USER_AGENT.test(key)))
  );
}
