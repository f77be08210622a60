import type { Clock, Random } from '@rampart/core';
import type { MeshLog } from '@rampart/mesh';
import { type CheckedInstance, type CheckStatus, HealthMonitor, type Probe } from '@rampart/registry/health';
import type { CheckedInstance as ToldInstance, HostCheckReport, SyncUpdate } from '@rampart/wire/agent';
import { CheckReporter } from './check-reporter.ts';
import { readInstance, toldStatus } from './told-instance.ts';

export interface HostChecksOptions {
  readonly probe: Probe;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: MeshLog;
  /** Rejects when the control plane could not be told. */
  send(reports: HostCheckReport[]): Promise<void>;
}

/** The checks that this agent runs for the instances of its host. They go on while the control plane is away. */
export class HostChecks {
  readonly #monitor: HealthMonitor;
  readonly #reporter: CheckReporter;
  readonly #instances = new Map<string, CheckedInstance>();
  /** By instance, then by check. */
  readonly #statuses = new Map<string, Map<string, CheckStatus>>();

  constructor({ probe, clock, random, log, send }: HostChecksOptions) {
    this.#reporter = new CheckReporter({
      clock,
      send,
      failed: (cause) => log.warn('the control plane could not be told what checks say, trying again', { cause }),
    });
    this.#monitor = new HealthMonitor({
      at: 'agent',
      clock,
      random,
      observe: (instanceId, { checkId, status, output }) => this.#observe({ instanceId, checkId, status, output }),
      failed: (cause) => log.error('a check could not be run', { cause }),
    });
    this.#monitor.start(probe);
  }

  apply({ reset, checked, uncheckedInstanceIds }: SyncUpdate): void {
    const kept = new Set(checked.map(({ instanceId }) => instanceId));
    const gone = reset ? [...this.#instances.keys()].filter((id) => !kept.has(id)) : uncheckedInstanceIds;
    for (const instanceId of gone) this.#forget(instanceId);
    for (const told of checked) this.#follow(told);
    if (reset) this.#reporter.repeat();
  }

  stop(): void {
    this.#monitor.close();
    this.#reporter.stop();
  }

  #follow(told: ToldInstance): void {
    const instance = readInstance(told);
    const { instanceId, checks } = instance;
    const before = this.#instances.get(instanceId);
    const known = this.#statuses.get(instanceId);
    for (const { checkId } of before?.checks ?? [])
      if (!checks.some((check) => check.checkId === checkId)) this.#reporter.forget({ instanceId, checkId });
    this.#instances.set(instanceId, instance);
    this.#statuses.set(
      instanceId,
      new Map(told.checks.map((check) => [check.checkId, known?.get(check.checkId) ?? toldStatus(check)])),
    );
    this.#monitor.follow(instance, before);
  }

  #forget(instanceId: string): void {
    const instance = this.#instances.get(instanceId);
    if (instance === undefined) return;
    this.#monitor.unfollow(instance);
    for (const { checkId } of instance.checks) this.#reporter.forget({ instanceId, checkId });
    this.#instances.delete(instanceId);
    this.#statuses.delete(instanceId);
  }

  #observe(seen: {
    readonly instanceId: string;
    readonly checkId: string;
    readonly status: CheckStatus | undefined;
    readonly output: string;
  }): void {
    const { instanceId, checkId, output } = seen;
    const statuses = this.#statuses.get(instanceId);
    const status = seen.status ?? statuses?.get(checkId);
    if (statuses === undefined || status === undefined) return;
    statuses.set(checkId, status);
    this.#reporter.say({ instanceId, checkId, status, output });
  }
}
