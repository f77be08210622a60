import { type Clock, serviceHost } from '@rampart/core';
import type { Registry } from '@rampart/registry';
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Database } from '../storage/database.ts';
import { createAccessLogStore } from '../storage/stores/access-log-store.ts';
import type { Teardown } from '../teardown.ts';
import { LogTail } from './log-tail.ts';
import { type AccessLogRetention, keepWithinRetention } from './retention.ts';
import type { AccessLogStore } from './store.ts';
import { TelemetryIntake } from './telemetry-intake.ts';

/** Records of requests: what takes them in, what keeps them, and who follows them. */
export interface Telemetry {
  readonly logs: AccessLogStore;
  readonly tail: LogTail;
  readonly intake: TelemetryIntake;
}

export interface TelemetryOptions {
  readonly database: Database;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly teardown: Teardown;
  readonly keep: AccessLogRetention;
}

export function openTelemetry(options: TelemetryOptions): Telemetry {
  const { database, registry, clock, log, metrics, teardown, keep } = options;
  const logs = createAccessLogStore(database);
  const tail = new LogTail({
    unreadable: ({ spiffeId, reporter, sequence }, error) =>
      log.warn({ spiffeId, reporter, sequence, error }, 'a record block cannot be read'),
  });
  const intake = new TelemetryIntake({
    store: logs,
    tail,
    clock,
    metrics,
    serviceOf: (id) => {
      const service = registry
        .services()
        .find(({ instances }) => instances.some(({ identity }) => identity === id.toString()));
      return service === undefined ? '' : serviceHost(service);
    },
  });
  const failed = (error: unknown): void => log.error({ error }, 'old access logs could not be dropped');
  teardown.add('retention', keepWithinRetention({ store: logs, clock, keep, failed }));
  return { logs, tail, intake };
}
