import type { DiscoveredInstance } from '@rampart/registry';
import { nodeName, nodeOf } from '../../instances/node-name.ts';
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
  const names = new NodeNames(asked, view);
  return visible(asked, view.nodes.get(name)).filter((instance) => names.of(instance).toLowerCase() === name);
}

/**
 * Which node each instance is on, as one caller sees it. A name that was given to several hosts is that of the first of them, and the
 * others go by their addresses: nobody puts a service onto another's node, nor an address behind its name, by calling itself so.
 */
export class NodeNames {
  readonly #asked: Asked;
  readonly #view: RegistryView;
  /** Name of the address of the first host that has a given name. */
  readonly #holders = new Map<string, string>();

  constructor(asked: Asked, view: RegistryView) {
    this.#asked = asked;
    this.#view = view;
  }

  of(instance: DiscoveredInstance): string {
    const [given, own] = [nodeOf(instance), nodeName(instance.host)];
    return given === own || this.#holderOf(given.toLowerCase()) === own ? given : own;
  }

  #holderOf(name: string): string | undefined {
    const known = this.#holders.get(name);
    if (known !== undefined) return known;
    const named = visible(this.#asked, this.#view.nodes.get(name));
    const first = named.find((instance) => nodeOf(instance).toLowerCase() === name);
    if (first === undefined) return undefined;
    const holder = nodeName(first.host);
    this.#holders.set(name, holder);
    return holder;
  }
}

/** Revision of the service of an instance, as its index. */
export function indexOf({ registry }: RegistryView, { service: name, namespace }: DiscoveredInstance): number {
  return indexOfRevision(registry.lookup({ name, namespace })?.revision ?? 0);
}

/** An index is 1 at least: 0 means "I know nothing" (Consul). */
export function indexOfRevision(revision: number): number {
  return Math.max(1, revision);
}
