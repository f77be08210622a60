import { parseResource, serviceHost, SpiffeId } from '@rampart/core';
import type { Resource } from '@rampart/core';
import { reasonOfNumber } from '@rampart/spiffe';
import type { RevocationRule } from '@rampart/spiffe';
import type {
  ControlPlaneMessage,
  Endpoint,
  NetworkFacts,
  ResourceUpdate,
  RevocationRule as WireRevocationRule,
  ServiceUpdate,
} from '@rampart/wire/control';

import { readForeignBundles } from '../identity/foreign-trust.ts';
import type { MeshEndpoint, MeshService } from '../view/endpoint.ts';
import type { MeshUpdate } from '../view/mesh-view.ts';
import type { PeersUpdate } from '../view/peers.ts';

/** Turns a message of the control stream into types of the mesh; what cannot be read is carried as a problem, never dropped. */
export function parseUpdate(message: ControlPlaneMessage): MeshUpdate {
  return {
    revision: Number(message.revision),
    reset: message.reset,
    resources: message.resources.map((update) => [update.key, parseResourceUpdate(update)] as const),
    services: message.services.map(parseService),
    revokedSerials: message.revokedSerials,
    ...(message.federatedBundles === undefined
      ? {}
      : { foreignBundles: readForeignBundles(message.federatedBundles.bundles) }),
    revocationReasons: message.revocationReasons,
    revocationRules: message.revocationRules.map(readRevocationRule),
    ...(message.signing === undefined ? {} : { signing: message.signing.rules }),
    ...(message.network === undefined ? {} : { peers: parseNetwork(message.network) }),
  };
}

/** A rule as the control plane tells it, to data planes and agents alike. */
export function readRevocationRule(rule: WireRevocationRule): RevocationRule {
  const { id, trustDomain, spiffeId, namespace, issuerKeyId, notBeforeUntil, issuedUntil, reason } = rule;
  return {
    id,
    trustDomain,
    ...(spiffeId === '' ? {} : { spiffeId }),
    ...(namespace === '' ? {} : { namespace }),
    ...(issuerKeyId === '' ? {} : { issuerKeyId }),
    notBeforeUntil: Number(notBeforeUntil),
    issuedUntil: Number(issuedUntil),
    reason: reasonOfNumber(reason) ?? 'unspecified',
  };
}

function parseNetwork({ reset, identities, namespaces }: NetworkFacts): PeersUpdate {
  return {
    reset,
    identities,
    namespaces: namespaces.map(({ name, labels, deleted }) => [name, deleted ? undefined : labels] as const),
  };
}

function parseResourceUpdate(update: ResourceUpdate): Resource | string | undefined {
  if (update.json.length === 0) return undefined;
  try {
    const json: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(update.json));
    const parsed = parseResource(json);
    return parsed.ok
      ? parsed.value
      : parsed.problem.map((problem) => `${problem.field}: ${problem.message}`).join(', ');
  } catch (cause) {
    return cause instanceof Error ? cause.message : 'unreadable';
  }
}

function parseService(update: ServiceUpdate): MeshService {
  const { namespace, name } = update;
  const inService = update.endpoints.filter(({ outOfService }) => !outOfService);
  const outOfService = update.endpoints.length - inService.length;
  return {
    namespace,
    name,
    host: serviceHost({ name, namespace }),
    endpoints: inService.flatMap(parseEndpoint),
    ...(outOfService === 0 ? {} : { outOfService }),
  };
}

/** An endpoint without a valid identity could only be dialled without knowing who answers: it does not exist for the mesh. */
function parseEndpoint(endpoint: Endpoint): MeshEndpoint[] {
  const spiffeId = SpiffeId.parse(endpoint.spiffeId);
  if (!spiffeId.ok) return [];
  const { instanceId, host, port, protocol, labels, weight } = endpoint;
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return [
    {
      instanceId,
      host,
      port,
      protocol,
      labels,
      spiffeId: spiffeId.value,
      identity: spiffeId.value.toString(),
      address,
      ...(weight > 1 ? { weight } : {}),
    },
  ];
}
