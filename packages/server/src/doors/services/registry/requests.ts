import { RampartError } from '@rampart/core';
import type {
  CheckKind,
  CheckRequest,
  CheckStatus,
  DiscoveryQuery,
  Locality,
  RegistrationRequest,
  WatchScope,
} from '@rampart/registry';
import type {
  CheckRegistration,
  FindInstancesRequest,
  InstanceRegistration,
  WatchInstancesRequest,
} from '@rampart/wire';

const STATUSES: readonly CheckStatus[] = ['passing', 'warning', 'critical'];
const HEALTHS = ['any', 'usable', 'passing'] as const;
const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;
const LARGEST = BigInt(Number.MAX_SAFE_INTEGER);

type Selector = NonNullable<DiscoveryQuery['selector']>;

/** A registration as the domain takes it; it judges the values, this only their presence. */
export function registrationOf(registration: InstanceRegistration, sourceIp: string): RegistrationRequest {
  const { service, namespace, instanceId, host, port, protocol, labels, leaseMs, permanent, spiffeId } = registration;
  return {
    service,
    namespace,
    instanceId,
    host: host === '' ? sourceIp : host,
    port,
    protocol: protocol === '' ? 'http' : protocol,
    labels,
    ...traitsOf(registration),
    ...leaseOf(leaseMs, permanent),
    ...(spiffeId === '' ? {} : { identity: spiffeId }),
    sourceIp,
  };
}

type Traits = Pick<
  InstanceRegistration,
  'tags' | 'metadata' | 'weights' | 'locality' | 'version' | 'checks' | 'deregisterCriticalAfterMs'
>;

/** What an instance says of itself wherever it registers. @throws RampartError INVALID_ARGUMENT for what has no meaning. */
export function traitsOf(
  said: Traits,
): Pick<
  RegistrationRequest,
  'tags' | 'metadata' | 'weights' | 'locality' | 'version' | 'checks' | 'deregisterCriticalAfterMs'
> {
  const { tags, metadata, weights, locality, version, checks, deregisterCriticalAfterMs } = said;
  return {
    tags,
    metadata,
    ...(weights === undefined ? {} : { weights: { passing: weights.passing, warning: weights.warning } }),
    ...(locality === undefined ? {} : { locality: localityOf(locality) }),
    ...(version === '' ? {} : { version }),
    checks: checks.map(checkOf),
    ...(deregisterCriticalAfterMs === 0n ? {} : { deregisterCriticalAfterMs: numberOf(deregisterCriticalAfterMs) }),
  };
}

function leaseOf(leaseMs: bigint, permanent: boolean): Pick<RegistrationRequest, 'leaseMs'> {
  if (permanent && leaseMs !== 0n) throw invalid('a permanent instance has no lease_ms: leave one of the two out');
  if (permanent) return { leaseMs: 0 };
  return leaseMs === 0n ? {} : { leaseMs: numberOf(leaseMs) };
}

function checkOf(check: CheckRegistration, index: number): CheckRequest {
  const { checkId, name, intervalMs, timeoutMs, initialStatus, failuresBeforeWarning } = check;
  const { successBeforePassing, failuresBeforeCritical } = check;
  return {
    ...(checkId === '' ? {} : { checkId }),
    ...(name === '' ? {} : { name }),
    kind: kindOf(check.kind, index),
    ...(intervalMs === 0n ? {} : { intervalMs: numberOf(intervalMs) }),
    ...(timeoutMs === 0n ? {} : { timeoutMs: numberOf(timeoutMs) }),
    successBeforePassing,
    ...(failuresBeforeWarning === undefined ? {} : { failuresBeforeWarning }),
    failuresBeforeCritical,
    ...(initialStatus === '' ? {} : { initialStatus: statusOf(initialStatus) }),
    ...(check.byAgent ? { runBy: 'agent' } : {}),
  };
}

function kindOf(kind: CheckRegistration['kind'], index: number): CheckKind {
  switch (kind.case) {
    case 'http': {
      const { scheme, port, path, method, headers } = kind.value;
      if (scheme !== '' && scheme !== 'http' && scheme !== 'https')
        throw invalid(`checks[${index}].http.scheme must be "http" or "https"`);
      return {
        type: 'http',
        scheme: scheme === '' ? 'http' : scheme,
        ...portOf(port),
        path,
        ...(method === '' ? {} : { method }),
        ...(Object.keys(headers).length === 0 ? {} : { headers: { ...headers } }),
      };
    }
    case 'tcp':
      return { type: 'tcp', ...portOf(kind.value.port) };
    case 'grpc': {
      const { tls, port, service } = kind.value;
      return { type: 'grpc', tls, ...portOf(port), ...(service === '' ? {} : { service }) };
    }
    case 'ttl':
      return { type: 'ttl', ttlMs: numberOf(kind.value.ttlMs) };
    case 'script':
      return { type: 'script', args: [...kind.value.args] };
    case undefined:
      throw invalid(`checks[${index}] must be one of http, tcp, grpc, ttl and script`);
  }
}

function portOf(port: number): { readonly port?: number } {
  return port === 0 ? {} : { port };
}

export function statusOf(text: string): CheckStatus {
  const status = STATUSES.find((known) => known === text);
  if (status === undefined) throw invalid(`a status is ${STATUSES.join(', ')}, not ${JSON.stringify(text)}`);
  return status;
}

type Narrowed = Pick<FindInstancesRequest, 'service' | 'namespace' | 'tags' | 'selector' | 'health'>;

/** Which instances are meant. */
export function queryOf({
  service,
  namespace,
  tags,
  selector,
  health,
  near,
}: Narrowed & Partial<Pick<FindInstancesRequest, 'near'>>): DiscoveryQuery {
  if (service === '' || namespace === '') throw invalid('service and namespace are both needed');
  return {
    service,
    namespace,
    ...(tags.length === 0 ? {} : { tags }),
    ...(selector.length === 0 ? {} : { selector: selectorOf(selector) }),
    ...(near === undefined ? {} : { near: localityOf(near) }),
    ...(health === '' ? {} : { health: healthOf(health) }),
  };
}

export function scopeOf(request: WatchInstancesRequest): WatchScope {
  const { namespace, service, tags, selector, health } = request;
  if (service !== '') return queryOf(request);
  if (tags.length > 0 || selector.length > 0 || health !== '')
    throw invalid('tags, selector and health narrow a service: name one');
  return namespace === '' ? 'all' : { namespace };
}

function selectorOf(requirements: FindInstancesRequest['selector']): Selector {
  return {
    matchExpressions: requirements.map(({ key, operator, values }) => {
      const known = OPERATORS.find((one) => one === operator);
      if (known === undefined || key === '')
        throw invalid(`a requirement has a key, and an operator: ${OPERATORS.join(', ')}`);
      const needsValues = known === 'In' || known === 'NotIn';
      if (needsValues !== values.length > 0)
        throw invalid(`the operator ${known} ${needsValues ? 'needs' : 'has no'} values`);
      return needsValues ? { key, operator: known, values } : { key, operator: known };
    }),
  };
}

function healthOf(text: string): NonNullable<DiscoveryQuery['health']> {
  const health = HEALTHS.find((known) => known === text);
  if (health === undefined) throw invalid(`health is ${HEALTHS.join(', ')}, not ${JSON.stringify(text)}`);
  return health;
}

function localityOf({ region, zone }: { readonly region: string; readonly zone: string }): Locality {
  return zone === '' ? { region } : { region, zone };
}

/** Whatever is too large is judged as what is just too large. */
export function numberOf(value: bigint): number {
  return Number(value > LARGEST ? LARGEST : value);
}

export function invalid(message: string): RampartError {
  return new RampartError('INVALID_ARGUMENT', message);
}
