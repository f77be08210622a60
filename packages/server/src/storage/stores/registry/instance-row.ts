import type { Instance, StoredInstance } from '@rampart/registry';
import type { InstanceTable } from '../../tables.ts';
import type { KeptInstance } from './instance-secrets.ts';

/** What an instance usually is, and rows say nothing of. Shared, because there may be many of them. */
const USUAL: Pick<Instance, 'tags' | 'metadata' | 'weights' | 'checks'> = {
  tags: Object.freeze([]),
  metadata: Object.freeze({}),
  weights: Object.freeze({ passing: 1, warning: 1 }),
  checks: Object.freeze([]),
};
const UNTOUCHED: Omit<StoredInstance, 'instance'> = { standing: { draining: false }, checks: Object.freeze([]) };
const NO_DETAILS: Details = Object.freeze({});
const NO_LABELS: Readonly<Record<string, string>> = Object.freeze({});

type Details = Partial<
  Pick<
    Instance,
    | 'tags'
    | 'metadata'
    | 'weights'
    | 'locality'
    | 'version'
    | 'checks'
    | 'deregisterCriticalAfterMs'
    | 'leaseMs'
    | 'serial'
  >
> &
  Pick<KeptInstance, 'sealed' | 'sealedChecks'>;

/** The row of an instance. */
export function rowOf({ instance, standing, checks, ...secrets }: KeptInstance): InstanceTable {
  const { instanceId, service, namespace, identity, owner, host, port, protocol, labels, registeredAt } = instance;
  const touched = standing.draining || standing.maintenance !== undefined || checks.length > 0;
  return {
    instance_id: instanceId,
    service,
    namespace,
    identity,
    host,
    port,
    protocol,
    labels: JSON.stringify(labels),
    registered_at: registeredAt,
    owner: owner === identity ? null : owner,
    details: detailsOf(instance, secrets),
    state: touched ? JSON.stringify({ standing, checks }) : null,
  };
}

function detailsOf(
  instance: Instance,
  { sealed, sealedChecks }: Pick<KeptInstance, 'sealed' | 'sealedChecks'>,
): string | null {
  const { tags, metadata, weights, locality, version, checks, deregisterCriticalAfterMs, leaseMs, serial } = instance;
  // JSON leaves out what is undefined, and for less than as many conditional spreads.
  const details: Readonly<Record<keyof Details, unknown>> = {
    tags: tags.length === 0 ? undefined : tags,
    metadata: Object.keys(metadata).length === 0 ? undefined : metadata,
    weights: weights.passing === 1 && weights.warning === 1 ? undefined : weights,
    locality,
    version,
    checks: checks.length === 0 ? undefined : checks,
    deregisterCriticalAfterMs,
    leaseMs,
    serial,
    sealed,
    sealedChecks,
  };
  const text = JSON.stringify(details);
  return text === '{}' ? null : text;
}

/** The instance of a row. */
export function instanceOf(row: InstanceTable): KeptInstance {
  const { service, namespace, identity, host, port, protocol } = row;
  const { sealed, sealedChecks, ...details } = row.details === null ? NO_DETAILS : (JSON.parse(row.details) as Details);
  const instance: Instance = {
    instanceId: row.instance_id,
    service,
    namespace,
    identity,
    owner: row.owner ?? identity,
    host,
    port,
    protocol,
    labels: row.labels === '{}' ? NO_LABELS : (JSON.parse(row.labels) as Record<string, string>),
    ...USUAL,
    ...details,
    registeredAt: row.registered_at,
  };
  const state = row.state === null ? UNTOUCHED : (JSON.parse(row.state) as Omit<StoredInstance, 'instance'>);
  return {
    instance,
    ...state,
    ...(sealed === undefined ? {} : { sealed }),
    ...(sealedChecks === undefined ? {} : { sealedChecks }),
  };
}
