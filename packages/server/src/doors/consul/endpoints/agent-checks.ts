import { RampartError } from '@rampart/core';
import { type CheckStatus, type DiscoveredInstance, nameOfIdentity, type RegistrationRequest } from '@rampart/registry';
import { nodeName } from '../../instances/node-name.ts';
import { type ConsulAnswer, DONE } from '../http/answer.ts';
import { answerWhenChanged } from '../http/blocking.ts';
import { bodyFields, type ConsulCall, param } from '../http/call.ts';
import { filterOf } from '../http/filtered.ts';
import { type Rendered, renderedMap } from '../http/rendered.ts';
import type { ConsulRoutes } from '../http/route.ts';
import { checksOf } from '../model/check.ts';
import { SHAPES } from '../model/shapes.ts';
import { checkRequest, statusOf } from '../registration/check-definition.ts';
import { criticalAfter, soonerOf } from '../registration/service-definition.ts';
import type { RegistryView } from '../registry-view.ts';
import { knownInstance, ownInstances, requireProof } from './agent-services.ts';
import { namespaceQuestion } from './namespace.ts';
import { indexOf, visible } from './visible.ts';

/** `/v1/agent/check…`: what agents say of their services, and checks that are added to them. */
export function agentCheckRoutes(view: RegistryView): ConsulRoutes {
  const report =
    (status: CheckStatus) =>
    (call: ConsulCall): Promise<ConsulAnswer> =>
      reportCheck(call, view, { status, output: call.query.get('note') ?? '' });
  return {
    'GET /v1/agent/checks': (call) => {
      const matches = filterOf(call.query, SHAPES.check);
      const checks = async (): Promise<Rendered> =>
        renderedMap(
          await ownInstances(call, view),
          (instance) =>
            checksOf(instance, indexOf(view, instance))
              .filter(matches)
              .map((check) => [check.CheckID, check] as const),
          view.clock,
        );
      return answerWhenChanged(call, namespaceQuestion(call, view, checks), view);
    },
    'PUT /v1/agent/check/register': (call) => addCheck(call, view),
    'PUT /v1/agent/check/deregister/:id': (call) => removeCheck(call, view),
    'PUT /v1/agent/check/pass/:id': report('passing'),
    'PUT /v1/agent/check/warn/:id': report('warning'),
    'PUT /v1/agent/check/fail/:id': report('critical'),
    'PUT /v1/agent/check/update/:id': (call) => {
      const fields = bodyFields(call);
      const status = statusOf(fields, 'Status') ?? 'passing';
      return reportCheck(call, view, { status, output: fields.text('Output') ?? '' });
    },
  };
}

interface Reported {
  readonly status: CheckStatus;
  readonly output: string;
}

async function reportCheck(call: ConsulCall, view: RegistryView, reported: Reported): Promise<ConsulAnswer> {
  requireProof(call.caller);
  const checkId = param(call, 'id');
  const { instanceId } = instanceOfCheck(call, view, checkId);
  const outcome = await view.registry.reportCheck(call.caller, instanceId, {
    checkId,
    ...reported,
    sourceIp: call.sourceIp,
  });
  if (!outcome.ok) throw outcome.problem;
  return DONE;
}

/** The instance that a check is of: one of the caller's, on its own host first; else the only one that there is. */
function instanceOfCheck(call: ConsulCall, view: RegistryView, checkId: string): DiscoveredInstance {
  const found = visible(call, view.checks.get(checkId));
  const owner = nameOfIdentity(call.caller);
  const own = someOf(found, (instance) => instance.owner === owner);
  const meant = someOf(own, ({ host }) => nodeName(host) === nodeName(call.sourceIp));
  const [instance, another] = meant;
  if (instance === undefined) {
    throw new RampartError(
      'NOT_FOUND',
      `Unknown check ID ${JSON.stringify(checkId)}. Ensure that the check ID is passed, not the check name.`,
    );
  }
  if (another !== undefined) {
    throw new RampartError(
      'INVALID_ARGUMENT',
      `${meant.length} services have a check ${JSON.stringify(checkId)}: give each its own`,
    );
  }
  return instance;
}

/** Those that fit, or all where none does. */
function someOf<T>(all: readonly T[], fits: (one: T) => boolean): readonly T[] {
  const fitting = all.filter(fits);
  return fitting.length > 0 ? fitting : all;
}

/** An instance is registered again with one more check; only its owner can. */
async function addCheck(call: ConsulCall, view: RegistryView): Promise<ConsulAnswer> {
  requireProof(call.caller);
  const fields = bodyFields(call);
  const serviceId = fields.filledText('ServiceID');
  if (serviceId === undefined) {
    throw fields.problem('ServiceID', 'must be given: nodes without a service have no checks here');
  }
  const name = fields.filledText('Name');
  if (name === undefined) throw fields.problem('Name', 'must be given');
  const instance = knownInstance(call, view, serviceId);
  if (instance === undefined)
    throw new RampartError('NOT_FOUND', `ServiceID ${JSON.stringify(serviceId)} does not exist`);
  const check = { checkId: name, ...checkRequest(fields, instance.host) };
  const others = instance.checks.filter(({ checkId }) => checkId !== check.checkId);
  const deregisterCriticalAfterMs = criticalAfter([fields]);
  const asked = deregisterCriticalAfterMs === undefined ? {} : { deregisterCriticalAfterMs };
  const request = { ...requestOf(instance), ...soonerOf(instance, asked), checks: [...others, check] };
  return registerAgain(call, view, request);
}

async function removeCheck(call: ConsulCall, view: RegistryView): Promise<ConsulAnswer> {
  requireProof(call.caller);
  const removed = param(call, 'id');
  const instance = instanceOfCheck(call, view, removed);
  const checks = instance.checks.filter(({ checkId }) => checkId !== removed);
  return registerAgain(call, view, { ...requestOf(instance), checks });
}

async function registerAgain(
  { caller, sourceIp }: ConsulCall,
  { registry }: RegistryView,
  request: RegistrationRequest,
): Promise<ConsulAnswer> {
  const registered = await registry.register(caller, { ...request, sourceIp });
  if (!registered.ok) throw registered.problem;
  return DONE;
}

/** The registration that made the instance. */
function requestOf(instance: DiscoveredInstance): RegistrationRequest {
  const { state: _state, owner: _owner, registeredAt: _at, serial: _serial, ...request } = instance;
  return request;
}
