import { RampartError } from '@rampart/core';
import { type DiscoveredInstance, nameOfIdentity, type RegistryIdentity } from '@rampart/registry';
import { nodeName } from '../../instances/node-name.ts';
import { instanceIdFor, knownInstanceId, serviceIdOf } from '../../instances/service-id.ts';
import type { Item } from '../filter/filter.ts';
import { type ConsulAnswer, DONE, jsonAnswer, textAnswer } from '../http/answer.ts';
import { answerWhenChanged, type Question } from '../http/blocking.ts';
import { bodyFields, type ConsulCall, isSet, param } from '../http/call.ts';
import { filterOf } from '../http/filtered.ts';
import { type Rendered, renderedMap } from '../http/rendered.ts';
import type { ConsulRoutes } from '../http/route.ts';
import { aggregatedStatus, checksOf } from '../model/check.ts';
import { agentServiceDetails, agentServiceFields } from '../model/service.ts';
import { SHAPES } from '../model/shapes.ts';
import { type ServiceDefinition, serviceDefinition, soonerOf } from '../registration/service-definition.ts';
import type { RegistryView } from '../registry-view.ts';
import { instancesOf, namespaceQuestion } from './namespace.ts';
import { indexOf, indexOfRevision, visible } from './visible.ts';

const HEALTH_STATUS = { passing: 200, warning: 429, critical: 503, maintenance: 503 } as const;

/** On record, no reason at all would read as the end of a maintenance. */
const NO_REASON =
  'Maintenance mode is enabled for this service, but no reason was provided. This is a default message.';

/** `/v1/agent/service…`: an agent is what its caller registered; operators see everything in the namespace. */
export function agentServiceRoutes(view: RegistryView): ConsulRoutes {
  return {
    'GET /v1/agent/services': (call) => {
      const matches = filterOf(call.query, SHAPES.agentService);
      const services = async (): Promise<Rendered> =>
        renderedMap(
          await ownInstances(call, view),
          (instance) => {
            const fields = agentServiceFields(instance, view);
            return matches(fields) ? [[serviceIdOf(instance), fields]] : [];
          },
          view.clock,
        );
      return answerWhenChanged(call, namespaceQuestion(call, view, services), view);
    },
    'GET /v1/agent/service/:id': (call) => agentService(call, view),
    'GET /v1/agent/health/service/name/:name': (call) => healthOfName(call, view),
    'GET /v1/agent/health/service/id/:id': (call) => {
      const instance = knownInstance(call, view, param(call, 'id'));
      if (instance === undefined) return textAnswer(404, `ServiceId ${param(call, 'id')} not found`);
      const json = healthFields(instance, view);
      return healthAnswer(call, aggregatedStatus(instance), json);
    },
    'PUT /v1/agent/service/register': (call) => register(call, view),
    'PUT /v1/agent/service/deregister/:id': async (call) => {
      const id = param(call, 'id');
      const instanceId = knownInstance(call, view, id)?.instanceId ?? id;
      const { caller, sourceIp } = call;
      const removed = await view.registry.deregister(caller, instanceId, {
        reason: 'deregistered by its agent',
        sourceIp,
      });
      if (!removed.ok) throw removed.problem;
      return DONE;
    },
    'PUT /v1/agent/service/maintenance/:id': (call) => maintain(call, view),
  };
}

/** What an agent of the caller would hold: what it registered itself. */
export async function ownInstances(call: ConsulCall, view: RegistryView): Promise<readonly DiscoveredInstance[]> {
  return call.caller.kind === 'operator' ? instancesOf(call, view) : registeredBy(call, view);
}

function registeredBy(call: ConsulCall, view: RegistryView): readonly DiscoveredInstance[] {
  return visible(call, view.owners.get(nameOfIdentity(call.caller)));
}

/** Those of a service, of `ownInstances`. */
function ownInstancesOf(call: ConsulCall, view: RegistryView, service: string): readonly DiscoveredInstance[] {
  const { caller, namespace } = call;
  if (caller.kind !== 'operator') return registeredBy(call, view).filter((instance) => instance.service === service);
  const { instances } = view.discovery.find({ service, namespace });
  const ids = instances.map(({ instanceId }) => instanceId);
  return visible(call, ids);
}

/** The instance that the caller means by the id of a service: its own, on its own host first; else one that it may know of. */
export function knownInstance(call: ConsulCall, view: RegistryView, serviceId: string): DiscoveredInstance | undefined {
  const { caller, discovery, namespace, sourceIp } = call;
  const owner = nameOfIdentity(caller);
  const hosted = { serviceId, node: nodeName(sourceIp), namespace };
  const [here] = visible(call, [knownInstanceId(discovery, hosted, owner)]);
  if (caller.kind === 'operator' || here?.owner === owner) return here;
  return visible(call, view.owners.get(owner)).find((instance) => serviceIdOf(instance) === serviceId) ?? here;
}

/** @throws RampartError PERMISSION_DENIED for those who proved nothing: nothing can be theirs. */
export function requireProof(caller: RegistryIdentity): void {
  if (caller.kind === 'anonymous') throw new RampartError('UNAUTHENTICATED', 'Authentication required');
}

async function register(call: ConsulCall, view: RegistryView): Promise<ConsulAnswer> {
  requireProof(call.caller);
  const { sourceIp, namespace } = call;
  const definition = serviceDefinition(bodyFields(call), { ownAddress: sourceIp, namespace, sourceIp });
  await registerHosted(call, view, definition);
  return DONE;
}

/** Ids belong to their owner: who else has the same one changes nothing, and nobody is told of him. */
export async function registerHosted(
  { caller, query }: ConsulCall,
  { registry, discovery }: RegistryView,
  { serviceId, node, request }: ServiceDefinition,
): Promise<void> {
  const owner = caller.kind === 'operator' ? undefined : nameOfIdentity(caller);
  const hosted = { serviceId, node, namespace: request.namespace };
  const instanceId = instanceIdFor(discovery, hosted, owner);
  const before = discovery.instance(knownInstanceId(discovery, hosted, nameOfIdentity(caller)));
  const isOwn = before !== undefined && (owner === undefined || before.owner === owner);
  const complete = isOwn && !isSet(query, 'replace-existing-checks') ? withChecksOf(before, request) : request;
  const registered = await registry.register(caller, { ...complete, instanceId, mayBeApart: true });
  if (!registered.ok) throw registered.problem;
}

/** Checks that a registration does not name stay (Consul): some were added one by one. */
function withChecksOf(before: DiscoveredInstance, request: ServiceDefinition['request']): ServiceDefinition['request'] {
  const { checks = [] } = request;
  const named = new Set(checks.map(({ checkId }) => checkId));
  const others = before.checks.filter(({ checkId }) => !named.has(checkId));
  if (others.length === 0) return request;
  return { ...request, checks: [...checks, ...others], ...soonerOf(before, request) };
}

async function maintain(call: ConsulCall, view: RegistryView): Promise<ConsulAnswer> {
  requireProof(call.caller);
  const enable = call.query.get('enable');
  if (enable !== 'true' && enable !== 'false') {
    throw new RampartError('INVALID_ARGUMENT', 'Missing value for enable: it must be true or false');
  }
  const id = param(call, 'id');
  const instanceId = knownInstance(call, view, id)?.instanceId ?? id;
  const given = call.query.get('reason') ?? '';
  const maintenance = enable === 'true' ? { maintenance: { reason: given === '' ? NO_REASON : given } } : {};
  const changed = await view.registry.setMaintenance(call.caller, instanceId, {
    ...maintenance,
    sourceIp: call.sourceIp,
  });
  if (!changed.ok) throw changed.problem;
  return DONE;
}

function agentService(call: ConsulCall, view: RegistryView): Promise<ConsulAnswer> | ConsulAnswer {
  const id = param(call, 'id');
  const found = (): DiscoveredInstance | undefined => knownInstance(call, view, id);
  const first = found();
  if (first === undefined) {
    return textAnswer(404, `unknown service ID: ${id}. Ensure that the service ID is passed, not the service name.`);
  }
  const key = { service: first.service, namespace: first.namespace };
  const question: Question = {
    about: { service: key },
    isFiltered: false,
    answer: () => {
      const instance = found();
      if (instance === undefined) return { index: indexOfRevision(0), json: null };
      const json = agentServiceDetails(instance, view);
      return { index: indexOf(view, instance), json, hash: json.ContentHash };
    },
  };
  return answerWhenChanged(call, question, view);
}

function healthOfName(call: ConsulCall, view: RegistryView): ConsulAnswer {
  const name = param(call, 'name');
  const instances = ownInstancesOf(call, view, name);
  if (instances.length === 0) return textAnswer(404, `ServiceName ${name} Not Found`);
  const statuses = new Set(instances.map(aggregatedStatus));
  const worst = (['maintenance', 'critical', 'warning'] as const).find((status) => statuses.has(status));
  return healthAnswer(
    call,
    worst ?? 'passing',
    instances.map((instance) => healthFields(instance, view)),
  );
}

function healthFields(instance: DiscoveredInstance, view: RegistryView): Item {
  return {
    AggregatedStatus: aggregatedStatus(instance),
    Service: agentServiceFields(instance, view),
    Checks: checksOf(instance, indexOf(view, instance)),
  };
}

function healthAnswer({ query }: ConsulCall, status: keyof typeof HEALTH_STATUS, json: Item): ConsulAnswer {
  const code = HEALTH_STATUS[status];
  return isSet(query, 'format') && query.get('format') === 'text'
    ? textAnswer(code, status)
    : { ...jsonAnswer(json), status: code };
}
