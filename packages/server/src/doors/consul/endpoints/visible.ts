import type { DiscoveredInstance } from '@rampart/registry';
import { nodeOf } from '../../instances/node-name.ts';
import type { ConsulCall } from '../http/call.ts';
import type { RegistryView } from '../registry-view.ts';

/** What is asked about. */
export type Asked = Pick<ConsulCall, 'discovery' | 'namespace'>;

/** Instances of these ids that are in the namespace and that the caller may know of. */
export function visible({ discovery, namespace }: Asked, ids: readonly string[]): readonly DiscoveredInstance[] {
  return ids.flatMap((id) => {
    const instance = discovery.instance(id);
    return instance?.namespace === namespace ? [instance] : [];
  });
}

/** Those on the node of that name, in any case. */
export function onNamedNode(asked: Asked, view: RegistryView, node: string): readonly DiscoveredInstance[] {
  const name = node.toLowerCase();
  return visible(asked, view.nodes.get(name)).filter((instance) => nodeOf(instance).toLowerCase() === name);
}

/** Revision of the service of an instance, as its index. */
export function indexOf({ registry }: RegistryView, { service: name, namespace }: DiscoveredInstance): number {
  return indexOfRevision(registry.lookup({ name, namespace })?.revision ?? 0);
}

/** An index is 1 at least: 0 means "I know nothing" (Consul). */
export function indexOfRevision(revision: number): number {
  return Math.max(1, revision);
}
