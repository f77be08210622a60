import { RampartError } from '@rampart/core';
import type { DiscoveredInstance } from '@rampart/registry';
import { nodeOf } from '../../instances/node-name.ts';
import { serviceIdOf } from '../../instances/service-id.ts';
import { type ConsulAnswer, jsonAnswer } from '../http/answer.ts';
import { bodyFields, type ConsulCall } from '../http/call.ts';
import type { ConsulRoutes } from '../http/route.ts';
import { catalogDefinition } from '../registration/catalog-definition.ts';
import type { RegistryView } from '../registry-view.ts';
import { registerHosted, requireProof } from './agent-services.ts';
import { type Asked, visible } from './visible.ts';

/** `/v1/catalog/register` and `/deregister`: services on nodes without an agent. */
export function catalogChangeRoutes(view: RegistryView): ConsulRoutes {
  return {
    'PUT /v1/catalog/register': async (call) => {
      requireProof(call.caller);
      await registerHosted(call, view, catalogDefinition(bodyFields(call), call));
      return jsonAnswer(true);
    },
    'PUT /v1/catalog/deregister': (call) => deregister(call, view),
  };
}

/** Whatever was registered under the name of a node, on any host: what may be taken away is decided for each. */
function givenNode(asked: Asked, view: RegistryView, node: string): readonly DiscoveredInstance[] {
  const name = node.toLowerCase();
  return visible(asked, view.nodes.get(name)).filter((instance) => nodeOf(instance).toLowerCase() === name);
}

/** A service of a node, or with `ServiceID` left out all of them. What is not there is gone already, as for Consul. */
async function deregister(call: ConsulCall, view: RegistryView): Promise<ConsulAnswer> {
  requireProof(call.caller);
  const fields = bodyFields(call);
  const node = fields.filledText('Node');
  if (node === undefined) throw fields.problem('Node', 'must be given');
  if (fields.has('CheckID') && !fields.has('ServiceID')) {
    throw new RampartError('INVALID_ARGUMENT', 'checks are deregistered with /v1/agent/check/deregister');
  }
  const serviceId = fields.filledText('ServiceID');
  const namespace = fields.filledText('Namespace') ?? call.namespace;
  const here = givenNode({ discovery: call.discovery, namespace }, view, node);
  const meant = here.filter((instance) => serviceId === undefined || serviceIdOf(instance) === serviceId);
  for (const { instanceId } of meant) {
    const reason = 'deregistered from the catalog';
    const removed = await view.registry.deregister(call.caller, instanceId, { reason, sourceIp: call.sourceIp });
    if (!removed.ok && removed.problem.code !== 'NOT_FOUND') throw removed.problem;
  }
  return jsonAnswer(true);
}
