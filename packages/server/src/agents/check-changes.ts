import { create } from '@bufbuild/protobuf';
import {
  type CheckDefinition,
  type CheckState,
  CheckWarrant,
  type DiscoveredInstance,
  type SpeakingAgent,
} from '@rampart/registry';
import { type CheckedInstance, CheckedInstanceSchema, type SyncUpdate } from '@rampart/wire';
import type { HostChecks } from './host-checks.ts';

type Changes = Pick<SyncUpdate, 'checked' | 'uncheckedInstanceIds'>;

/** So that a message is no longer than anybody takes. */
const MOST_AT_ONCE = 50;

/** Which checks one agent is told to run: at first all that it speaks for, then what is different. */
export class CheckChanges {
  readonly #hosts: HostChecks;
  readonly #told = new Map<string, DiscoveredInstance>();
  #untold: DiscoveredInstance[] = [];
  #isStale = true;

  constructor(hosts: HostChecks) {
    this.#hosts = hosts;
  }

  /** What is on the host, or what the agent speaks for, may be different. */
  changed(): void {
    this.#isStale = true;
  }

  /** Empty when there is nothing to tell. */
  next(agent: SpeakingAgent): Changes {
    const uncheckedInstanceIds = this.#isStale ? this.#compare(agent) : [];
    const telling = this.#untold.splice(0, MOST_AT_ONCE);
    for (const instance of telling) this.#told.set(instance.instanceId, instance);
    return { checked: telling.map((instance) => messageOf(this.#hosts.now(instance))), uncheckedInstanceIds };
  }

  /** Notes what is to be told, and gives those that are checked no longer. */
  #compare(agent: SpeakingAgent): string[] {
    this.#isStale = false;
    const present = this.#hosts.at(agent).filter((instance) => CheckWarrant.judge(agent, instance).ok);
    const ids = new Set(present.map(({ instanceId }) => instanceId));
    const gone = [...this.#told.keys()].filter((instanceId) => !ids.has(instanceId));
    for (const instanceId of gone) this.#told.delete(instanceId);
    this.#untold = present.filter((instance) => this.#told.get(instance.instanceId) !== instance);
    return gone;
  }
}

function messageOf(instance: DiscoveredInstance): CheckedInstance {
  const { instanceId, service, namespace, identity, host, port, checks, state } = instance;
  const own = checks.filter(({ runBy }) => runBy === 'agent');
  return create(CheckedInstanceSchema, {
    instanceId,
    service,
    namespace,
    spiffeId: identity,
    host,
    port,
    checks: own.map((check) => checkMessage(check, state.checks)),
  });
}

function checkMessage(
  check: CheckDefinition,
  states: readonly CheckState[],
): Exclude<CheckMessage, { $typeName: string }> {
  return {
    checkId: check.checkId,
    name: check.name,
    kind: kindMessage(check),
    intervalMs: BigInt(check.intervalMs),
    timeoutMs: BigInt(check.timeoutMs),
    successBeforePassing: check.successBeforePassing,
    failuresBeforeWarning: check.failuresBeforeWarning,
    failuresBeforeCritical: check.failuresBeforeCritical,
    // The agent goes on from what the check says now.
    initialStatus: states.find(({ checkId }) => checkId === check.checkId)?.status ?? check.initialStatus,
    byAgent: true,
  };
}

type CheckMessage = NonNullable<
  NonNullable<Parameters<typeof create<typeof CheckedInstanceSchema>>[1]>['checks']
>[number];

function kindMessage({ kind }: CheckDefinition): NonNullable<CheckMessage['kind']> {
  switch (kind.type) {
    case 'http':
      return { case: 'http', value: { ...kind, headers: { ...kind.headers } } };
    case 'tcp':
      return { case: 'tcp', value: { port: kind.port ?? 0 } };
    case 'grpc':
      return { case: 'grpc', value: { tls: kind.tls, port: kind.port ?? 0, service: kind.service ?? '' } };
    case 'ttl':
      return { case: 'ttl', value: { ttlMs: BigInt(kind.ttlMs) } };
    case 'script':
      return { case: 'script', value: { args: [...kind.args] } };
  }
}
