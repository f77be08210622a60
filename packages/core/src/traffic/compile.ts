import { BoundedCache } from '../bounded-cache.ts';
import { matchesLabels } from '../labels.ts';
import { meshSettingsOf } from '../policy/mesh-settings.ts';
import { byAge, type WorkloadRef } from '../policy/selection.ts';
import { qualifiedName } from '../resource/resource.ts';
import type { DestinationRule, Fallback, Resource, VirtualService } from '../resource/resource.ts';
import { HostTable, hostOfService, namespaceOfHost, wholeHost } from './host.ts';
import { OutsideHosts } from './outside.ts';
import { compilePolicy } from './policy/compiled-policy.ts';
import { localityOf } from './policy/locality.ts';
import { mergePolicy } from './policy/merged-policy.ts';
import { compileHttpRoutes, compileTcpRoute } from './route/routes.ts';
import type { OutboundMode, OutsideService, ServiceRules, TrafficRules } from './rules.ts';
import type { CompiledFallback, CompiledPolicy, Locality } from './settings.ts';
import { hostsOf, isRuleFor, isTraffic, type TrafficResource } from './visibility.ts';

export interface TrafficInput {
  /** The one that calls. */
  readonly workload: Pick<WorkloadRef, 'namespace' | 'labels'>;
  /** Those for other callers, and of other kinds, are left out here; their order has no meaning. */
  readonly resources: readonly Resource[];
  readonly rootNamespace: string;
  /** In place of what the MeshConfig says. */
  readonly outbound?: OutboundMode;
}

/**
 * Compiles the rules for what one workload calls (VirtualService, DestinationRule and ServiceEntry with Istio's semantics, and Fallback). Of several
 * rules about a host one counts: of a VirtualService that of the host's own name before patterns, then that of the caller's namespace, the
 * service's, the root's; of a DestinationRule the namespace comes first. What is left is the oldest.
 */
export function compileTraffic(input: TrafficInput): TrafficRules {
  return new CompiledTraffic(input);
}

/** Where nothing is known yet: nothing outside the mesh is. */
export function noTraffic(outbound: OutboundMode): TrafficRules {
  return new CompiledTraffic({ workload: { namespace: '', labels: {} }, resources: [], rootNamespace: '', outbound });
}

const MOST_CACHED = 2000;

type Rule = VirtualService | DestinationRule | Fallback;

class CompiledTraffic implements TrafficRules {
  readonly isEmpty: boolean;
  readonly outbound: OutboundMode;
  readonly #input: TrafficInput;
  readonly #own: Locality;
  readonly #outside: OutsideHosts;
  readonly #virtualServices: HostTable<VirtualService>;
  readonly #destinationRules: HostTable<DestinationRule>;
  readonly #fallbacks: HostTable<Fallback>;
  readonly #services = new Map<string, Map<string, Map<number, ServiceRules | undefined>>>();
  readonly #hosts = new BoundedCache<string, { readonly rules: ServiceRules | undefined }>(MOST_CACHED);

  constructor(input: TrafficInput) {
    const traffic = input.resources.filter(isTraffic).toSorted(byAge);
    this.#input = input;
    this.#own = localityOf(input.workload.labels);
    this.#outside = new OutsideHosts(
      ofKind(traffic, 'ServiceEntry')
        .filter((entry) => isRuleFor(entry, '', this.#place))
        .toSorted((a, b) => this.#rank(a, '') - this.#rank(b, '')),
    );
    this.#virtualServices = this.#tableOf(ofKind(traffic, 'VirtualService'));
    this.#destinationRules = this.#tableOf(
      ofKind(traffic, 'DestinationRule').filter((rule) => this.#isForLabels(rule)),
    );
    this.#fallbacks = this.#tableOf(ofKind(traffic, 'Fallback'));
    this.isEmpty = this.#virtualServices.isEmpty && this.#destinationRules.isEmpty && this.#fallbacks.isEmpty;
    this.outbound = input.outbound ?? meshSettingsOf(input.resources, input.rootNamespace).outbound;
  }

  forService(namespace: string, name: string, port: number): ServiceRules | undefined {
    if (this.isEmpty) return undefined;
    const byName = below(this.#services, namespace);
    const byPort = below(byName, name);
    const known = byPort.get(port);
    if (known !== undefined || byPort.has(port)) return known;
    const rules = this.#compile(hostOfService({ name, namespace }), port);
    byPort.set(port, rules);
    return rules;
  }

  forHost(host: string, port: number): ServiceRules | undefined {
    if (this.isEmpty) return undefined;
    const key = `${host} ${port}`;
    let known = this.#hosts.get(key);
    if (known === undefined) {
      known = { rules: this.#compile(host, port) };
      this.#hosts.set(key, known);
    }
    return known.rules;
  }

  outside(host: string, port: number): OutsideService | undefined {
    const found = this.#outside.find(host, port);
    return found === undefined ? undefined : { ...found, rules: this.forHost(host, port) };
  }

  outsideAddress(address: string, port: number): OutsideService | undefined {
    const found = this.#outside.findAddress(address, port);
    return found === undefined ? undefined : { ...found, rules: undefined };
  }

  isKnownOutside(host: string): boolean {
    return this.#outside.knows(host);
  }

  get meshConfig(): string {
    return `${this.#input.rootNamespace}/default`;
  }

  outsideProblem(host: string, port: number): string | undefined {
    if (this.outbound === 'ALLOW_ANY' || this.#isOutside(host, port)) return undefined;
    const which = this.#outside.knows(host) ? `port ${port} of ${host} is in` : `${host} is in`;
    return `${which} no ServiceEntry for callers of namespace ${this.#input.workload.namespace}, and the mesh is REGISTRY_ONLY`;
  }

  #isOutside(host: string, port: number): boolean {
    return this.#outside.find(host, port) !== undefined || this.#outside.findAddress(host, port) !== undefined;
  }

  get #place(): { namespace: string; rootNamespace: string } {
    return { namespace: this.#input.workload.namespace, rootNamespace: this.#input.rootNamespace };
  }

  #tableOf<R extends Rule>(rules: readonly R[]): HostTable<R> {
    const table = new HostTable<R>();
    for (const rule of rules) {
      for (const host of hostsOf(rule)) {
        const whole = this.#whole(host, rule);
        if (isRuleFor(rule, whole, this.#place)) table.add(whole, rule);
      }
    }
    return table;
  }

  #whole(host: string, rule: TrafficResource): string {
    return wholeHost(host, rule.metadata.namespace, (name) => this.#outside.knows(name));
  }

  /** A rule for some workloads is for those of its own namespace. */
  #isForLabels({ metadata, spec: { workloadSelector } }: DestinationRule): boolean {
    if (workloadSelector === undefined) return true;
    const { namespace, labels } = this.#input.workload;
    return metadata.namespace === namespace && matchesLabels(workloadSelector.matchLabels, labels);
  }

  /** The caller's namespace, the service's, the root's. */
  #rank({ metadata }: TrafficResource, host: string): number {
    if (metadata.namespace === this.#input.workload.namespace) return 0;
    return metadata.namespace === namespaceOfHost(host) ? 1 : 2;
  }

  #compile(host: string, port: number): ServiceRules | undefined {
    const virtualService = this.#virtualServiceOf(host);
    const destinationRule = this.#destinationRuleOf(host);
    const fallback = this.#fallbacks.about(host)[0]?.toSorted((a, b) => this.#rank(a, host) - this.#rank(b, host))[0];
    if ([virtualService, destinationRule, fallback].every((rule) => rule === undefined)) return undefined;
    const { namespace, labels } = this.#input.workload;
    const of = (rule: VirtualService): Pick<ServiceRules, 'route' | 'connection'> => {
      const caller = { namespace, labels, port, whole: (name: string) => this.#whole(name, rule) };
      const route = compileHttpRoutes(rule, caller);
      const connection = compileTcpRoute(rule, caller);
      return { ...(route === undefined ? {} : { route }), ...(connection === undefined ? {} : { connection }) };
    };
    return {
      ...(virtualService === undefined ? {} : of(virtualService)),
      ...instancesOf({ rule: destinationRule, fallback }, port, this.#own),
      virtualService: virtualService && qualifiedName(virtualService),
      destinationRule: destinationRule && qualifiedName(destinationRule),
    };
  }

  #virtualServiceOf(host: string): VirtualService | undefined {
    const [nearest = []] = this.#virtualServices.about(host);
    return nearest.toSorted((a, b) => this.#rank(a, host) - this.#rank(b, host))[0];
  }

  #destinationRuleOf(host: string): DestinationRule | undefined {
    const order = (rule: DestinationRule): number =>
      this.#rank(rule, host) * 2 + (rule.spec.workloadSelector === undefined ? 1 : 0);
    // Sorting is stable: within a namespace the most specific stays first.
    return this.#destinationRules
      .about(host)
      .flat()
      .toSorted((a, b) => order(a) - order(b))[0];
  }
}

const NO_POLICY: CompiledPolicy = {};

interface InstanceRules {
  readonly rule: DestinationRule | undefined;
  readonly fallback: Fallback | undefined;
}

function instancesOf(
  { rule, fallback }: InstanceRules,
  port: number,
  own: Locality,
): Pick<ServiceRules, 'policy' | 'subset'> {
  const { trafficPolicy, subsets = [] } = rule?.spec ?? {};
  const last = fallback === undefined ? {} : { fallback: compileFallback(fallback) };
  const policies = new Map<string | undefined, CompiledPolicy>(
    [undefined, ...subsets].map((subset) => [
      subset?.name,
      { ...compilePolicy(mergePolicy(trafficPolicy, subset?.trafficPolicy, port), own), ...last },
    ]),
  );
  const labels = new Map(subsets.map((subset) => [subset.name, subset.labels ?? {}]));
  const whole = policies.get(undefined) ?? NO_POLICY;
  return { policy: (subset) => policies.get(subset) ?? whole, subset: (name) => labels.get(name) };
}

function compileFallback({ spec: { response, stale } }: Fallback): CompiledFallback {
  const earlier = stale === undefined ? {} : { staleMs: stale.maxAgeMs };
  if (response === undefined) return earlier;
  const { status, headers = {}, body = '' } = response;
  return { ...earlier, response: { status, headers: Object.entries(headers), body } };
}

function ofKind<K extends TrafficResource['kind']>(
  resources: readonly TrafficResource[],
  kind: K,
): Extract<TrafficResource, { readonly kind: K }>[] {
  return resources.filter((each): each is Extract<TrafficResource, { readonly kind: K }> => each.kind === kind);
}

function below<K, L, V>(maps: Map<K, Map<L, V>>, key: K): Map<L, V> {
  let map = maps.get(key);
  if (map === undefined) {
    map = new Map();
    maps.set(key, map);
  }
  return map;
}
