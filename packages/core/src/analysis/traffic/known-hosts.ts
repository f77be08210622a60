import type { DestinationRule, Resource } from '../../resource/resource.ts';
import type { ServiceName } from '../../service-name.ts';
import { HostTable, namespaceOfHost, serviceOfHost, wholeHost } from '../../traffic/host.ts';
import { OutsideHosts } from '../../traffic/outside.ts';
import { hostsOf, isRuleFor, isTraffic, type TrafficResource } from '../../traffic/visibility.ts';
import { DeclaredServices } from './declared-services.ts';

export interface TrafficSurroundings {
  /** Everything that will be in force. */
  readonly resources: readonly Resource[];
  readonly rootNamespace: string;
  /** Whether the registry has ever had an instance of a service. */
  isRegistered(service: ServiceName): boolean;
  /** Ports that its instances serve now; empty where nobody knows. */
  servedPorts(service: ServiceName): ReadonlySet<number>;
}

/** What hosts stand for, to rules of each namespace. */
export class KnownHosts {
  readonly rootNamespace: string;
  readonly #traffic: readonly TrafficResource[];
  readonly #declared: DeclaredServices;
  readonly #registry: Pick<TrafficSurroundings, 'isRegistered' | 'servedPorts'>;
  readonly #outside = new Map<string, OutsideHosts>();
  readonly #rules = new Map<string, HostTable<TrafficResource>>();

  constructor({ resources, rootNamespace, ...registry }: TrafficSurroundings) {
    this.rootNamespace = rootNamespace;
    this.#traffic = resources.filter(isTraffic);
    this.#declared = new DeclaredServices(resources);
    this.#registry = registry;
  }

  /** A host of a rule as a whole name. */
  whole(host: string, namespace: string): string {
    return wholeHost(host, namespace, (name) => this.isOutside(name, namespace));
  }

  /** Whether a ServiceEntry makes a host known to callers of a namespace. */
  isOutside(host: string, namespace: string): boolean {
    let outside = this.#outside.get(namespace);
    if (outside === undefined) {
      const place = { namespace, rootNamespace: this.rootNamespace };
      const entries = this.#traffic.filter((each) => each.kind === 'ServiceEntry' && isRuleFor(each, '', place));
      outside = new OutsideHosts(entries.filter((each) => each.kind === 'ServiceEntry'));
      this.#outside.set(namespace, outside);
    }
    return outside.knows(host);
  }

  /** Whether a whole name is that of a service that was there once, or is said to come; true for patterns of services. */
  isService(whole: string): boolean {
    const service = serviceOfHost(whole);
    if (service === undefined) return isPatternOfServices(whole);
    return this.#registry.isRegistered(service) || this.#declared.has(service);
  }

  /** Ports of a service, by its whole name; empty where nobody knows. */
  servedPorts(whole: string): ReadonlySet<number> {
    const service = serviceOfHost(whole);
    return service === undefined ? new Set() : this.#registry.servedPorts(service);
  }

  /** Rules of one kind and namespace that have a host in common with another rule, without itself. */
  sharing(rule: TrafficResource, whole: string): TrafficResource[] {
    const { namespace } = rule.metadata;
    const others = this.#table(rule.kind, namespace).about(whole)[0] ?? [];
    return others.filter((other) => other.metadata.name !== rule.metadata.name && this.#names(other, whole));
  }

  /** Every DestinationRule that callers of a rule's namespace, of the host's or of the root may use for a host. */
  destinationRules(whole: string, namespace: string): DestinationRule[] {
    const namespaces = new Set([namespace, namespaceOfHost(whole) ?? namespace, this.rootNamespace]);
    return [...namespaces]
      .flatMap((each) => this.#table('DestinationRule', each).about(whole).flat())
      .filter((each) => each.kind === 'DestinationRule');
  }

  #names(rule: TrafficResource, whole: string): boolean {
    return hostsOf(rule).some((host) => this.whole(host, rule.metadata.namespace) === whole);
  }

  #table(kind: TrafficResource['kind'], namespace: string): HostTable<TrafficResource> {
    const key = `${kind}/${namespace}`;
    let table = this.#rules.get(key);
    if (table === undefined) {
      table = new HostTable();
      for (const rule of this.#traffic) {
        if (rule.kind !== kind || rule.metadata.namespace !== namespace) continue;
        for (const host of hostsOf(rule)) table.add(this.whole(host, namespace), rule);
      }
      this.#rules.set(key, table);
    }
    return table;
  }
}

/** Whole patterns that services of every namespace match. */
const EVERY_SERVICE: ReadonlySet<string> = new Set(['*.svc.cluster.local', '*.cluster.local', '*.local']);

function isPatternOfServices(whole: string): boolean {
  return EVERY_SERVICE.has(whole) || (whole.startsWith('*.') && namespaceOfHost(whole) !== undefined);
}
