import { RampartError } from '@rampart/core';
import type { Journal } from '@rampart/journal';
import {
  AccessRecord,
  AnomalyDetector,
  Approvals,
  DEFAULT_REGISTRATIONS_PER_HOUR,
  GuardedDiscovery,
  type GuardedDiscoveryOptions,
  type PolicyChanges,
  type RegistryIdentity,
  observationOf,
  type Registry,
  RegistryAccess,
  SecureAdmission,
  watchedJournal,
} from '@rampart/registry';
import type { ChangeFeed } from '../changes/change-feed.ts';
import type { CompleteOptions } from '../control-plane-options.ts';
import type { Metrics } from '../metrics.ts';
import type { ResourceSet } from '../resources/resource-set.ts';
import type { Database } from '../storage/database.ts';
import { createApprovalStore } from '../storage/stores/registry/approval-store.ts';
import type { Teardown } from '../teardown.ts';
import { RegistryPolicies } from './registry-policies.ts';

export interface RegistryGuardParts {
  readonly database: Database;
  readonly journal: Journal;
  readonly feed: ChangeFeed;
  readonly resources: ResourceSet;
  readonly metrics: Metrics;
  readonly teardown: Teardown;
}

/** What stands between callers and the registry. */
export interface RegistryGuard {
  readonly policies: RegistryPolicies;
  readonly access: RegistryAccess;
  readonly approvals: Approvals;
  readonly admission: SecureAdmission;
  /** Where the registry writes its records: what is unusual among them is noticed. */
  readonly journal: Pick<Journal, 'audit'>;
  /** What a caller may find of the registry; after `begin`. */
  viewOf(identity: RegistryIdentity, sourceIp: string): GuardedDiscovery;
  /** Names of services that a rule names or somebody approved. */
  allowedServices(): readonly string[];
  /** Looks at what is registered already, before anybody else can register. */
  begin(registry: Registry): Promise<void>;
}

/** Records that tell what was usual before this start. */
const REMEMBERED = 5000;

/** Access, approval and anomalies of the registry, on what was there before. */
export async function openRegistryGuard(
  { clock, log, rootNamespace }: CompleteOptions,
  { database, journal, feed, resources, metrics, teardown }: RegistryGuardParts,
): Promise<RegistryGuard> {
  const policies = new RegistryPolicies({ feed, resources, rootNamespace });
  let views: GuardedDiscoveryOptions | undefined;
  const failed = (error: unknown): void => log.error({ error }, 'a decision of the registry could not be recorded');
  const decisions = metrics.counter(
    'rampart_registry_decisions_total',
    'Decisions of the registry, by action and outcome.',
  );
  const anomalies = metrics.counter(
    'rampart_registry_anomalies_total',
    'Unusual registrations, by what is unusual about them.',
  );
  const record = new AccessRecord({ journal, clock, failed });
  teardown.add('record of decisions', () => record.flush());
  const access = new RegistryAccess({
    policy: () => policies.current(),
    record,
    decided: (action, { outcome }) => decisions.add({ action, outcome }),
  });
  const approvals = await Approvals.open({ store: createApprovalStore(database), journal, clock });
  const detector = new AnomalyDetector({
    clock,
    registrationsPerHour: () =>
      policies.current().settings.anomalies?.registrationsPerHour ?? DEFAULT_REGISTRATIONS_PER_HOUR,
    isForeseen: (service) => {
      const policy = policies.current();
      return policy.isWritten ? policy.namedServices().includes(service) : undefined;
    },
  });
  return {
    policies,
    access,
    approvals,
    admission: new SecureAdmission({ access, approvals }),
    journal: watchedJournal({
      journal,
      detector,
      failed,
      found: ({ reasons }) => {
        for (const { kind } of reasons) anomalies.add({ kind });
      },
    }),
    viewOf: (identity, sourceIp) => {
      if (views === undefined)
        throw new RampartError('INTERNAL', 'BUG: nothing can be found before the registry is open');
      return new GuardedDiscovery(views, { identity, sourceIp });
    },
    allowedServices: () => allowedServices(policies, approvals),
    begin: async (registry) => {
      views = { discovery: registry.discovery, access, policyChanges: changesOf(policies, registry) };
      teardown.add('rules of the registry', policies.follow());
      await remember(detector, journal, registry);
      await watchApproval({ policies, feed, approvals, registry, failed, teardown });
    },
  };
}

function changesOf(policies: RegistryPolicies, registry: Registry): PolicyChanges {
  let lastAt = 0;
  policies.onChange(() => {
    lastAt = registry.revision + 1;
  });
  return {
    get lastAt() {
      return lastAt;
    },
    onChange: (listener) => policies.onChange(listener),
  };
}

function allowedServices(policies: RegistryPolicies, approvals: Approvals): readonly string[] {
  const approved = approvals.all().filter(({ state }) => state === 'approved');
  return [...new Set([...policies.current().namedServices(), ...approved.map(({ service }) => service)])];
}

/** What is registered now, and what the newest records tell, is nothing unusual. */
async function remember(detector: AnomalyDetector, journal: Journal, registry: Registry): Promise<void> {
  for (const { instances } of registry.services()) {
    for (const instance of instances) {
      detector.learn({ ...instance, kind: 'registered', identity: instance.owner, sourceIp: '' });
    }
  }
  const newest = { stream: 'audit', kind: 'REGISTRATION', limit: REMEMBERED, order: 'newest-first' } as const;
  for (const { body } of (await journal.read(newest)).toReversed()) {
    const observation = observationOf(eventOf(body));
    if (observation !== undefined) detector.learn(observation);
  }
}

interface ApprovalWatch extends Pick<RegistryGuardParts, 'feed' | 'teardown'> {
  readonly policies: RegistryPolicies;
  readonly approvals: Approvals;
  readonly registry: Registry;
  failed(error: unknown): void;
}

/** Whoever is registered when approval is asked for from now on needs none. */
async function watchApproval({ policies, feed, approvals, registry, failed, teardown }: ApprovalWatch): Promise<void> {
  const learn = (): Promise<void> =>
    approvals.learn(
      registry
        .services()
        .flatMap(({ instances }) => instances.map((instance) => ({ ...instance, identity: instance.owner }))),
    );
  let mode = policies.current().settings.approval ?? 'off';
  if (mode !== 'off') await learn();
  const follow = (): void => {
    const { approval = 'off' } = policies.current().settings;
    const isNew = mode === 'off' && approval !== 'off';
    mode = approval;
    if (isNew) learn().catch(failed);
  };
  teardown.add('approvals', feed.watch(follow));
}

/** The fields of a record that anomalies are found by. */
function eventOf(body: string): Parameters<typeof observationOf>[0] {
  const record = JSON.parse(body) as Record<
    'event_type' | 'service_name' | 'instance_id' | 'identity' | 'source_ip',
    string
  > & {
    readonly details: Readonly<Record<string, string>>;
  };
  return {
    eventType: record.event_type,
    serviceName: record.service_name,
    instanceId: record.instance_id,
    identity: record.identity,
    sourceIp: record.source_ip,
    result: 'SUCCESS',
    details: record.details,
  };
}
