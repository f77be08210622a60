import { hostMatches } from '../resource/traffic/host.ts';
import { parseServiceName, type ServiceName } from '../service-name.ts';

const DOMAIN = 'svc.cluster.local';

/** Whether a host is one that a ServiceEntry has made known. */
export type IsOutside = (host: string) => boolean;

const NOTHING_OUTSIDE: IsOutside = () => false;

/**
 * A host of a rule as a whole name: "orders-api", of the rule's namespace, and "orders-api.shop" become
 * "orders-api.shop.svc.cluster.local", as long as they are no host outside the mesh. Patterns are made whole, too.
 */
export function wholeHost(host: string, namespace: string, isOutside: IsOutside = NOTHING_OUTSIDE): string {
  if (host.startsWith('*')) return host.endsWith('.svc') ? `${host}.cluster.local` : host;
  if (isOutside(host)) return host;
  const service = parseServiceName(host, namespace);
  return service === undefined ? host : hostOfService(service);
}

/** "orders-api.shop.svc.cluster.local". */
export function hostOfService({ name, namespace }: ServiceName): string {
  return `${name}.${namespace}.${DOMAIN}`;
}

/** The service that a whole name is of; undefined for hosts outside the mesh. */
export function serviceOfHost(host: string): ServiceName | undefined {
  return host.endsWith(`.${DOMAIN}`) ? parseServiceName(host, '') : undefined;
}

/** Namespace of the services that a whole name or pattern is of; undefined where they are of none, or of several. */
export function namespaceOfHost(host: string): string | undefined {
  if (!host.startsWith('*.')) return serviceOfHost(host)?.namespace;
  const rest = host.slice('*.'.length);
  const dot = rest.indexOf('.');
  return dot !== -1 && rest.slice(dot + 1) === DOMAIN ? rest.slice(0, dot) : undefined;
}

/** Things by the hosts, or patterns of hosts, that they are about. */
export class HostTable<T> {
  readonly #exact = new Map<string, T[]>();
  readonly #patterns = new Map<string, T[]>();
  #bySpecificity: readonly string[] | undefined;

  add(host: string, thing: T): void {
    const table = host.startsWith('*') ? this.#patterns : this.#exact;
    this.#bySpecificity = undefined;
    const things = table.get(host);
    if (things === undefined) table.set(host, [thing]);
    else things.push(thing);
  }

  get isEmpty(): boolean {
    return this.#exact.size === 0 && this.#patterns.size === 0;
  }

  /** Those about a host: of its very name first, then of the longest pattern (Envoy's order of domains). */
  about(host: string): T[][] {
    const exact = this.#exact.get(host);
    this.#bySpecificity ??= [...this.#patterns.keys()].toSorted((a, b) => b.length - a.length);
    const found = exact === undefined ? [] : [exact];
    for (const pattern of this.#bySpecificity) {
      if (hostMatches(pattern, host)) found.push(this.#patterns.get(pattern) ?? []);
    }
    return found;
  }
}
