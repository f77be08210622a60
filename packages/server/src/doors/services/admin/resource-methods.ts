import type { HeldResource } from '../../../resources/resource-set.ts';
import { type AdminMethods, type AdminParts, operatorOf } from './admin-parts.ts';

const DEFAULT_NAMESPACE = 'default';

/** Apply, get and delete resources. */
export function createResourceMethods(parts: AdminParts): AdminMethods<'apply' | 'getResources' | 'deleteResource'> {
  return {
    apply: async (request, context) => {
      const { resources, problems, revision } = await parts.desk.apply({
        document: request.document,
        file: request.file === '' ? 'document' : request.file,
        defaultNamespace: request.namespace === '' ? DEFAULT_NAMESPACE : request.namespace,
        dryRun: request.dryRun,
        operator: operatorOf(context),
      });
      return {
        resources: resources.map(({ resource: { kind, metadata }, outcome }) => ({
          kind,
          namespace: metadata.namespace,
          name: metadata.name,
          outcome,
        })),
        problems: problems.map((problem) => ({ ...problem })),
        revision: BigInt(revision),
        dataPlanes: parts.dataPlanes.sessions.length,
      };
    },
    getResources: (request, context) => {
      operatorOf(context);
      const matches = ({ resource: { kind, metadata } }: HeldResource): boolean =>
        accepts(request.kind, kind) &&
        accepts(request.namespace, metadata.namespace) &&
        accepts(request.name, metadata.name);
      return {
        revision: BigInt(parts.revision()),
        resources: parts.resources
          .all()
          .filter(matches)
          .map(({ resource: { kind, metadata }, createdAt, revision, json }) => ({
            kind,
            namespace: metadata.namespace,
            name: metadata.name,
            createdAt: BigInt(createdAt),
            revision: BigInt(revision),
            json,
          })),
      };
    },
    deleteResource: async ({ kind, namespace, name }, context) => {
      const key = `${kind}/${namespace === '' ? DEFAULT_NAMESPACE : namespace}/${name}`;
      const revision = await parts.desk.delete(key, operatorOf(context));
      return { deleted: revision !== undefined, revision: BigInt(revision ?? parts.revision()) };
    },
  };
}

/** An empty filter accepts everything. */
function accepts(filter: string, value: string): boolean {
  return filter === '' || filter.toLowerCase() === value.toLowerCase();
}
