import { isDeepStrictEqual } from 'node:util';
import type { Clock, Random, Timer } from '@rampart/core';
import { Deadlines } from '../leases/deadlines.ts';
import type { CheckDefinition, CheckStatus } from './check.ts';
import type { CheckedInstance } from './checked-instance.ts';
import { checkOutput } from './check-output.ts';
import type { Probe, ProbeResult } from './probe.ts';
import { PACE_MS, RunQueue } from './run-queue.ts';
import { Thresholds } from './thresholds.ts';

/** What a check says now; the status is left out when it stays what it is. */
export interface Observation {
  readonly checkId: string;
  readonly status?: CheckStatus;
  readonly output: string;
}

export interface MonitorOptions {
  /** Where the monitor is: an agent runs the checks that are meant for agents, and is told of no others. */
  readonly at: 'control-plane' | 'agent';
  readonly clock: Clock;
  readonly random: Random;
  observe(instanceId: string, seen: Observation): void;
  failed(error: unknown): void;
}

interface Followed {
  readonly instance: CheckedInstance;
  readonly check: CheckDefinition;
  /** From its first run on: most checks are reported, and are never run. */
  thresholds: Thresholds | undefined;
  run: AbortController | undefined;
}

/** What is new is looked at within that time; what was known before a restart, within its interval. */
const SOON_MS = 500;
/** A check that agents run is critical when no agent said anything of it for that long: three of their rounds. */
export const AGENT_SILENCE_MS = 30_000;

/** Runs the checks that the server runs and counts down the others. Costs nothing for instances without checks. */
export class HealthMonitor {
  readonly #options: MonitorOptions;
  readonly #followed = new Map<string, Followed>();
  readonly #deadlines: Deadlines;
  readonly #queue = new RunQueue();
  #pace: Timer | undefined;
  #probe: Probe | undefined;

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock, (key) => this.#due(key));
  }

  /** From here on checks are run. */
  start(probe: Probe): void {
    this.#probe = probe;
    for (const [key, { check }] of this.#followed)
      if (this.#patienceMs(check) === undefined) this.#spread(key, check.intervalMs);
  }

  /** Follows the checks of an instance in place of those that it had. */
  follow(instance: CheckedInstance, before: CheckedInstance | undefined): void {
    for (const check of before?.checks ?? [])
      if (!instance.checks.some(({ checkId }) => checkId === check.checkId)) this.#forget(keyOf(instance, check));
    for (const check of instance.checks) {
      const key = keyOf(instance, check);
      const known = this.#followed.get(key);
      if (known !== undefined) {
        if (isDeepStrictEqual(known.check, check) && isSameTarget(known.instance, instance)) continue;
        this.#forget(key);
      }
      this.#followed.set(key, { instance, check, thresholds: undefined, run: undefined });
      const patienceMs = this.#patienceMs(check);
      if (patienceMs !== undefined) this.#deadlines.set(key, patienceMs);
      else if (this.#probe !== undefined) this.#spread(key, Math.min(SOON_MS, check.intervalMs));
    }
  }

  unfollow(instance: CheckedInstance): void {
    for (const check of instance.checks) this.#forget(keyOf(instance, check));
  }

  /** A check that is not run here was reported: it counts from the start. */
  heard(instance: CheckedInstance, check: CheckDefinition): void {
    const key = keyOf(instance, check);
    const patienceMs = this.#patienceMs(check);
    if (patienceMs !== undefined && this.#followed.has(key)) this.#deadlines.set(key, patienceMs);
  }

  close(): void {
    this.#deadlines.clear();
    this.#queue.clear();
    this.#pace?.cancel();
    for (const { run } of this.#followed.values()) run?.abort();
    this.#followed.clear();
  }

  #forget(key: string): void {
    const followed = this.#followed.get(key);
    if (followed === undefined) return;
    this.#followed.delete(key);
    this.#deadlines.delete(key);
    followed.run?.abort();
  }

  #due(key: string): void {
    const followed = this.#followed.get(key);
    if (followed === undefined) return;
    const { instance, check } = followed;
    const patienceMs = this.#patienceMs(check);
    if (patienceMs !== undefined) {
      const { checkId } = check;
      const output = `not reported for ${patienceMs} ms${check.runBy === 'agent' ? ' by the agent of its host' : ''}`;
      this.#options.observe(instance.instanceId, { checkId, status: 'critical', output });
      return;
    }
    this.#queue.push(instance, key);
    this.#take();
  }

  /** How long a check that is not run here may go without a word; undefined for those that are. */
  #patienceMs({ kind, runBy }: CheckDefinition): number | undefined {
    if (kind.type === 'ttl') return kind.ttlMs;
    return runBy === 'agent' && this.#options.at === 'control-plane' ? AGENT_SILENCE_MS : undefined;
  }

  #take(): void {
    const { clock, failed } = this.#options;
    for (let next = this.#queue.next(clock.now()); next !== undefined; next = this.#queue.next(clock.now())) {
      const { asker, key } = next;
      const followed = this.#followed.get(key);
      if (followed === undefined || followed.run !== undefined) {
        this.#queue.done(asker);
        continue;
      }
      this.#run(key, followed)
        .catch((error: unknown) => failed(error))
        .finally(() => {
          this.#queue.done(asker);
          this.#take();
        });
    }
    if (this.#pace !== undefined || !this.#queue.mustPace(clock.now())) return;
    this.#pace = clock.after(PACE_MS, () => {
      this.#pace = undefined;
      this.#take();
    });
  }

  async #run(key: string, followed: Followed): Promise<void> {
    const { clock } = this.#options;
    const { instance, check } = followed;
    const run = new AbortController();
    followed.run = run;
    const began = clock.now();
    const result = await this.#result(followed, run);
    followed.run = undefined;
    if (this.#followed.get(key) !== followed) return;
    const elapsed = clock.now() - began;
    const jitter = 0.95 + 0.1 * this.#options.random();
    this.#deadlines.set(key, Math.max(0, check.intervalMs * jitter - elapsed));
    const status = (followed.thresholds ??= new Thresholds()).count(result.status, check);
    const seen = { checkId: check.checkId, output: checkOutput(result.output) };
    this.#options.observe(instance.instanceId, status === undefined ? seen : { ...seen, status });
  }

  /** Of the probe, or that it took too long: a probe that hangs must not hold its place for ever. */
  async #result({ instance, check }: Followed, run: AbortController): Promise<ProbeResult> {
    const { clock } = this.#options;
    const late = Promise.withResolvers<ProbeResult>();
    const timer = clock.after(check.timeoutMs, () => {
      late.resolve({ status: 'critical', output: `no answer within ${check.timeoutMs} ms` });
      run.abort();
    });
    run.signal.addEventListener('abort', () => late.resolve({ status: 'critical', output: 'not run to its end' }));
    try {
      const probed = this.#probe?.(instance, check, run.signal) ?? late.promise;
      return await Promise.race([probed, late.promise]);
    } catch (error) {
      this.#options.failed(error);
      return { status: 'critical', output: 'the check could not be run; see the log of the control plane' };
    } finally {
      timer.cancel();
    }
  }

  #spread(key: string, within: number): void {
    this.#deadlines.set(key, within * this.#options.random());
  }
}

function keyOf({ instanceId }: CheckedInstance, { checkId }: CheckDefinition): string {
  return `${instanceId} ${checkId}`;
}

function isSameTarget(a: CheckedInstance, b: CheckedInstance): boolean {
  return a.host === b.host && a.port === b.port && a.identity === b.identity && a.owner === b.owner;
}
