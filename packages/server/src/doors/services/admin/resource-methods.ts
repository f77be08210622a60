import { DEFAULT_NAMESPACE, RampartError, scopeOfKind } from '@rampart/core';
import type { DeleteResourceRequest } from '@rampart/wire';
import { followRollout } from '../../../control/rollout.ts';
import type { HeldResource } from '../../../resources/resource-set.ts';
import type { ChangedResource } from '../../../resources/store.ts';
import { type AdminMethods, type AdminParts, limitOf, operatorOf } from './admin-parts.ts';

const REVISIONS = { standard: 20, most: 1000 };
const LONGEST_ROLLOUT_MS = 10 * 60_000;

/** Get and delete resources. */
export function createResourceMethods(
  parts: AdminParts,
): AdminMethods<'getResources' | 'deleteResource' | 'deleteResources'> {
  return {
    getResources: (request, context) => {
      operatorOf(context);
      const matches = ({ resource: { kind, metadata } }: HeldResource): boolean =>
        accepts(request.kind, kind) &&
        // Whoever asks for a kind that has no namespace gets it, whatever namespace their shell is in.
        (accepts(request.namespace, metadata.namespace) || (metadata.namespace === '' && request.kind !== '')) &&
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
    deleteResource: async (request, context) => {
      const { revision } = await parts.desk.delete([keyOf(request, parts.rootNamespace)], operatorOf(context));
      return { deleted: revision > 0, revision: BigInt(revision > 0 ? revision : parts.revision()) };
    },
    deleteResources: async (request, context) => {
      const keys = request.resources.map((named) => keyOf(named, parts.rootNamespace));
      const { deleted, revision } = await parts.desk.delete(keys, operatorOf(context));
      return {
        resources: keys.map((key) => ({ ...nameOf(key), outcome: deleted.has(key) ? 'deleted' : 'missing' })),
        revision: BigInt(revision),
        dataPlanes: parts.dataPlanes.sessions.length,
      };
    },
  };
}

/** What the set was, how it becomes that again, and how far it has come. */
export function createHistoryMethods({
  desk,
  resources,
  dataPlanes,
  clock,
}: AdminParts): AdminMethods<'rollback' | 'listRevisions' | 'followRollout'> {
  return {
    rollback: async ({ revision, dryRun }, context) => {
      const asked = { revision: revisionOf(revision), dryRun, operator: operatorOf(context) };
      const { changes, problems, revision: restored } = await desk.rollback(asked);
      return {
        resources: changes.map(appliedOf),
        problems: problems.map((problem) => ({ ...problem })),
        revision: BigInt(restored),
        dataPlanes: dataPlanes.sessions.length,
      };
    },
    listRevisions: async ({ limit }, context) => {
      operatorOf(context);
      const entries = await resources.history(limitOf(limit, REVISIONS));
      return {
        oldest: BigInt(await resources.oldest()),
        revisions: entries.map(({ revision, at, restored, changes, ...entry }) => ({
          ...entry,
          revision: BigInt(revision),
          at: BigInt(at),
          restored: BigInt(restored),
          changes: changes.map(appliedOf),
        })),
      };
    },
    async *followRollout({ revision, timeoutMs }, context) {
      operatorOf(context);
      const question = {
        revision: revisionOf(revision),
        timeoutMs: Math.min(timeoutMs, LONGEST_ROLLOUT_MS),
        signal: context.signal,
      };
      for await (const { lagging, ...counts } of followRollout(dataPlanes, clock, question)) {
        yield {
          ...counts,
          lagging: lagging.map(({ ackedRevision, ...plane }) => ({ ...plane, ackedRevision: BigInt(ackedRevision) })),
        };
      }
    },
  };
}

function revisionOf(revision: bigint): number {
  if (revision > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new RampartError('INVALID_ARGUMENT', 'revision must be below 2^53');
  }
  return Number(revision);
}

function appliedOf({ key, outcome }: ChangedResource): ResourceName & { readonly outcome: string } {
  return { ...nameOf(key), outcome };
}

interface ResourceName {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

function nameOf(key: string): ResourceName {
  const [kind = '', namespace = '', name = ''] = key.split('/');
  return { kind, namespace, name };
}

/** An empty filter accepts everything. */
function accepts(filter: string, value: string): boolean {
  return filter === '' || filter.toLowerCase() === value.toLowerCase();
}

/** Key of a resource that is named with or without its namespace. */
function keyOf({ kind, namespace, name }: DeleteResourceRequest, rootNamespace: string): string {
  const scope = scopeOfKind(kind);
  if (scope === 'cluster') {
    return `${kind}//${name}`;
  }
  const standard = scope === 'mesh' || scope === 'root' ? rootNamespace : DEFAULT_NAMESPACE;
  return `${kind}/${namespace === '' ? standard : namespace}/${name}`;
}
