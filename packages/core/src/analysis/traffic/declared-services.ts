import { SpiffeId } from '../../identity/spiffe-id.ts';
import type { Resource } from '../../resource/resource.ts';
import type { ServiceName } from '../../service-name.ts';

const EVERY_NAMESPACE = '*';

/** Services that resources say will be there, although no instance of them has registered yet. */
export class DeclaredServices {
  readonly #keys = new Set<string>();

  constructor(resources: readonly Resource[]) {
    for (const resource of resources) {
      if (resource.kind === 'RegistrationEntry') this.#addEntry(resource.spec);
      if (resource.kind !== 'RegistryAcl') continue;
      for (const { service, namespace = EVERY_NAMESPACE, policy } of resource.spec.rules) {
        if (service !== undefined && policy !== 'deny') this.#keys.add(`${namespace}/${service}`);
      }
    }
  }

  has({ name, namespace }: ServiceName): boolean {
    return this.#keys.has(`${namespace}/${name}`) || this.#keys.has(`${EVERY_NAMESPACE}/${name}`);
  }

  /** The namespace of an entry's service is that of its identity. */
  #addEntry({ service, spiffeId }: { readonly service?: string; readonly spiffeId: string }): void {
    if (service === undefined) return;
    const parsed = SpiffeId.parse(spiffeId);
    const namespace = parsed.ok ? parsed.value.namespace : undefined;
    if (namespace !== undefined) this.#keys.add(`${namespace}/${service}`);
  }
}
