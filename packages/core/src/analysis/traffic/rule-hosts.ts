import { qualifiedName, type VirtualService } from '../../resource/resource.ts';
import { namespaceOfHost, serviceOfHost } from '../../traffic/host.ts';
import { hostsOf, type TrafficResource } from '../../traffic/visibility.ts';
import { refused, unsupported, type TrafficFinding } from './finding.ts';
import type { KnownHosts } from './known-hosts.ts';
import { unknownService } from './unknown-service.ts';

/** What is to be said of the hosts that a rule is about. */
export function reviewHosts(rule: TrafficResource, known: KnownHosts): TrafficFinding[] {
  const { namespace } = rule.metadata;
  return hostsOf(rule).flatMap((host, index) => {
    const at = { rule, whole: known.whole(host, namespace), field: fieldOf(rule, index), known };
    const found = rule.kind === 'ServiceEntry' ? [shadowing(host, at)] : [absence(at), conflict(at)];
    return [...found, tooWide(at)].filter((finding) => finding !== undefined);
  });
}

interface HostAt {
  readonly rule: TrafficResource;
  readonly whole: string;
  readonly field: string;
  readonly known: KnownHosts;
}

function fieldOf({ spec }: TrafficResource, index: number): string {
  return 'host' in spec ? 'spec.host' : `spec.hosts[${index}]`;
}

/** A name that is a service already would not be found outside. */
function shadowing(host: string, { field, known }: HostAt): TrafficFinding | undefined {
  if (host.startsWith('*')) return undefined;
  const isService = serviceOfHost(known.whole(host, '')) !== undefined || host.split('.').length === 2;
  const [name = '', namespace = ''] = host.split('.');
  if (!isService || !known.isService(`${name}.${namespace}.svc.cluster.local`)) return undefined;
  return refused(field, `is service ${name} of namespace ${namespace} here: nobody who calls it would leave the mesh`);
}

function absence({ rule, whole, field, known }: HostAt): TrafficFinding | undefined {
  if (known.isOutside(whole, rule.metadata.namespace)) {
    return rule.kind === 'DestinationRule' || (rule.kind === 'VirtualService' && usesGateway(rule, known))
      ? undefined
      : unsupported(
          field,
          `${whole} is outside the mesh: requests are routed among services of the mesh only, those to a host outside to an egress gateway`,
        );
  }
  if (known.isService(whole)) return undefined;
  const service = serviceOfHost(whole);
  return service === undefined
    ? refused(
        field,
        `${whole} is no service of the mesh, and no ServiceEntry for namespace ${rule.metadata.namespace} names it`,
      )
    : unknownService(field, service);
}

/** Every request goes to a service of the mesh, which sends it on. */
function usesGateway(
  { spec: { http = [], tcp = [] }, metadata: { namespace } }: VirtualService,
  known: KnownHosts,
): boolean {
  const destinations = http.flatMap(({ route = [] }) => route);
  const isInside = ({ destination }: (typeof destinations)[number]): boolean =>
    serviceOfHost(known.whole(destination.host, namespace)) !== undefined;
  return tcp.length === 0 && destinations.length > 0 && destinations.every(isInside);
}

/** One of several rules of a namespace about a host would count, and the others for nothing. */
function conflict({ rule, whole, field, known }: HostAt): TrafficFinding | undefined {
  const other = known.sharing(rule, whole).find((each) => selectorOf(each) === selectorOf(rule));
  if (other === undefined) return undefined;
  return refused(
    field,
    `${whole} has a ${rule.kind} in this namespace already, ${qualifiedName(other)}: write one rule of both`,
  );
}

/** Rules for different callers can stand beside each other. */
function selectorOf(rule: TrafficResource): string {
  if (rule.kind !== 'DestinationRule') return '';
  const labels = Object.entries(rule.spec.workloadSelector?.matchLabels ?? {});
  return JSON.stringify(labels.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Whoever may write in a namespace says how its workloads call, and how its services are called, and nothing else. */
function tooWide({ rule, whole, known }: HostAt): TrafficFinding | undefined {
  const { namespace } = rule.metadata;
  if (namespace === known.rootNamespace) return undefined;
  if (rule.kind !== 'ServiceEntry' && namespaceOfHost(whole) === namespace) return undefined;
  const index = (rule.spec.exportTo ?? []).findIndex((name) => name !== '.' && name !== namespace);
  if (index === -1) return undefined;
  const what =
    rule.kind === 'ServiceEntry' ? 'lets callers of other namespaces out' : `says how other namespaces call ${whole}`;
  return refused(
    `spec.exportTo[${index}]`,
    `${what}, which a rule of namespace ${namespace} cannot: write "." or put the rule into namespace ${known.rootNamespace}`,
  );
}
