import type { CheckRequest, RegistrationRequest } from '@rampart/registry';
import { nodeName } from '../../instances/node-name.ts';
import { checkRequest, duration } from './check-definition.ts';
import type { Fields } from './fields.ts';

/** A service as a client of Consul registers it; its instance id depends on who uses that id already. */
export interface ServiceDefinition {
  /** Unique on its node. */
  readonly serviceId: string;
  readonly node: string;
  readonly request: Omit<RegistrationRequest, 'instanceId'>;
}

export interface DefinitionContext {
  /** Where a service is that does not say so: the address of whoever registers it, as its agent would. */
  readonly ownAddress: string;
  /** Of a service that names none. */
  readonly namespace: string;
  readonly sourceIp: string;
}

/** Parts of Consul's service mesh: the mesh here is another one. */
const NOT_PART = ['Connect', 'Proxy', 'SocketPath'] as const;
/** Consul's least (agent/check.mdx). */
const MINUTE_MS = 60_000;
const PROTOCOL = /^[a-z][a-z0-9-]{0,14}$/;

/**
 * Reads the body of `/v1/agent/service/register`. The lease has no end, because an agent never renews it.
 *
 * @throws RampartError INVALID_ARGUMENT.
 */
export function serviceDefinition(fields: Fields, context: DefinitionContext): ServiceDefinition {
  for (const name of NOT_PART) {
    if (fields.has(name)) throw fields.problem(name, 'is not part of this registry');
  }
  const kind = fields.filledText('Kind');
  if (kind !== undefined)
    throw fields.problem('Kind', `cannot be ${JSON.stringify(kind)}: only services are registered`);
  const service = fields.filledText('Name') ?? fields.filledText('Service');
  if (service === undefined) throw fields.problem('Name', 'must be given');
  const serviceId = fields.filledText('ID') ?? service;
  const host = fields.filledText('Address') ?? context.ownAddress;
  const checks = definitionsOf(fields);
  const deregisterCriticalAfterMs = criticalAfter(checks);
  return {
    serviceId,
    node: nodeName(host),
    request: {
      service,
      namespace: fields.filledText('Namespace') ?? context.namespace,
      host,
      port: fields.number('Port') ?? 0,
      labels: {},
      ...traitsOf(fields),
      checks: checksOf(checks, { host, serviceId, service }),
      ...(deregisterCriticalAfterMs === undefined ? {} : { deregisterCriticalAfterMs }),
      leaseMs: 0,
      sourceIp: context.sourceIp,
    },
  };
}

function traitsOf(
  fields: Fields,
): Pick<RegistrationRequest, 'protocol' | 'tags' | 'metadata' | 'weights' | 'locality'> {
  const metadata = fields.textMap('Meta') ?? {};
  const { protocol = '' } = metadata;
  const weights = fields.object('Weights');
  const locality = fields.object('Locality');
  return {
    protocol: PROTOCOL.test(protocol) ? protocol : 'http',
    tags: fields.texts('Tags') ?? [],
    metadata,
    ...(weights === undefined ? {} : { weights: weightsOf(weights) }),
    ...(locality?.has('Region') === true ? { locality: localityOf(locality) } : {}),
  };
}

function weightsOf(fields: Fields): { readonly passing: number; readonly warning: number } {
  return { passing: fields.number('Passing') ?? 1, warning: fields.number('Warning') ?? 1 };
}

function localityOf(fields: Fields): { readonly region: string; readonly zone?: string } {
  const zone = fields.filledText('Zone');
  return { region: fields.text('Region') ?? '', ...(zone === undefined ? {} : { zone }) };
}

/** `Check` and `Checks`, named as an agent does where they have no names: numbers tell several apart, the first one too. */
function checksOf(
  definitions: readonly Fields[],
  { host, serviceId, service }: { readonly host: string; readonly serviceId: string; readonly service: string },
): CheckRequest[] {
  return definitions.map((one, index) => {
    const request = checkRequest(one, host);
    const checkId = request.checkId ?? `service:${serviceId}${definitions.length === 1 ? '' : `:${index + 1}`}`;
    return { name: `Service '${service}' check`, ...request, checkId };
  });
}

function definitionsOf(fields: Fields): readonly Fields[] {
  const single = fields.object('Check');
  return [...(single === undefined ? [] : [single]), ...fields.objects('Checks')];
}

/** One time for the whole instance here: the shortest that any check asks for. */
export function criticalAfter(definitions: readonly Fields[]): number | undefined {
  const times = definitions
    .map((one) => duration(one, 'DeregisterCriticalServiceAfter') ?? 0)
    .filter((time) => time > 0);
  return times.length === 0 ? undefined : Math.max(MINUTE_MS, Math.min(...times));
}

type CriticalAfter = Pick<RegistrationRequest, 'deregisterCriticalAfterMs'>;

/** The shorter of two such times; nothing where there is none. */
export function soonerOf(...asked: readonly CriticalAfter[]): CriticalAfter {
  const times = asked.flatMap(({ deregisterCriticalAfterMs }) => deregisterCriticalAfterMs ?? []);
  return times.length === 0 ? {} : { deregisterCriticalAfterMs: Math.min(...times) };
}
