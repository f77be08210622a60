import { parseServiceName, qualifiedName, type RequestSignaturePolicy, type Resource } from '@rampart/core';
import type { Objection } from '@rampart/core/documents';

/**
 * Why callers cannot be asked to sign what goes to a host: it is no service, or one of another namespace, whose callers only that
 * namespace and the root namespace have a say in. Empty for every other kind of resource.
 */
export function unsignable(resource: Resource, { rootNamespace }: { readonly rootNamespace: string }): Objection[] {
  if (resource.kind !== 'RequestSignaturePolicy') return [];
  return (resource.spec.hosts ?? []).flatMap((host, index) => {
    const problem = problemOf(resource, host, rootNamespace);
    if (problem === undefined) return [];
    const message = `RequestSignaturePolicy ${qualifiedName(resource)}: ${host} ${problem}`;
    return [{ code: 'INVALID_RESOURCE' as const, message, field: `spec.hosts[${index}]` }];
  });
}

function problemOf({ metadata }: RequestSignaturePolicy, host: string, rootNamespace: string): string | undefined {
  const { namespace } = metadata;
  const service = parseServiceName(host, namespace);
  if (service === undefined) return 'is no service of the mesh, and data planes sign what goes to services only';
  return service.namespace === namespace || namespace === rootNamespace
    ? undefined
    : `is a service of namespace ${service.namespace}: write the policy there, or in ${rootNamespace}`;
}
