import type { VirtualService } from '../../resource/resource.ts';
import type { Destination } from '../../resource/traffic/destination.ts';
import { serviceOfHost } from '../../traffic/host.ts';
import { absent, refused, unsupported, type TrafficFinding } from './finding.ts';
import type { KnownHosts } from './known-hosts.ts';
import { unknownService } from './unknown-service.ts';

/** What is to be said of where a rule sends requests. */
export function reviewDestinations(rule: VirtualService, known: KnownHosts): TrafficFinding[] {
  return destinationsOf(rule).flatMap(([field, destination]) => {
    const { namespace } = rule.metadata;
    const whole = known.whole(destination.host, namespace);
    const unknown = absence(`${field}.host`, whole, { known, namespace });
    const subset = missingSubset(field, { destination, whole, namespace }, known);
    const port = unservedPort(field, { destination, whole, namespace }, known);
    return [unknown, subset, port].filter((finding) => finding !== undefined);
  });
}

/** By the field of each. */
function destinationsOf({ spec: { http = [], tcp = [] } }: VirtualService): (readonly [string, Destination])[] {
  const routed = (kind: string, routes: readonly { readonly route?: readonly { destination: Destination }[] }[]) =>
    routes.flatMap(({ route = [] }, index) =>
      route.map(
        ({ destination }, place) => [`spec.${kind}[${index}].route[${place}].destination`, destination] as const,
      ),
    );
  const copies = http.flatMap(({ mirrors = [] }, index) =>
    mirrors.map(
      ({ destination }, place) => [`spec.http[${index}].mirrors[${place}].destination`, destination] as const,
    ),
  );
  return [...routed('http', http), ...copies, ...routed('tcp', tcp)];
}

function absence(
  field: string,
  whole: string,
  { known, namespace }: { readonly known: KnownHosts; readonly namespace: string },
): TrafficFinding | undefined {
  if (known.isOutside(whole, namespace)) {
    return unsupported(field, `${whole} is outside the mesh: requests are routed among services of the mesh only`);
  }
  if (known.isService(whole)) return undefined;
  const service = serviceOfHost(whole);
  if (service === undefined) return refused(field, `${whole} is no service of the mesh`);
  return unknownService(field, service);
}

interface Sent {
  readonly destination: Destination;
  readonly whole: string;
  readonly namespace: string;
}

/** Every request would be answered 503 (istioctl analyze: ReferencedResourceNotFound). */
function missingSubset(
  field: string,
  { destination, whole, namespace }: Sent,
  known: KnownHosts,
): TrafficFinding | undefined {
  const { subset } = destination;
  if (subset === undefined) return undefined;
  const defined = known.destinationRules(whole, namespace).flatMap(({ spec }) => spec.subsets ?? []);
  if (defined.some(({ name }) => name === subset)) return undefined;
  const names = [...new Set(defined.map(({ name }) => name))];
  const missing = `no DestinationRule of ${whole} defines subset ${JSON.stringify(subset)}`;
  return names.length === 0
    ? absent(`${field}.subset`, `${missing}: apply one that does first, or in this document`)
    : refused(`${field}.subset`, `${missing}: it has ${names.join(', ')}`);
}

/** Ports that stand for whichever a service has. */
const USUAL_PORTS: ReadonlySet<number> = new Set([80, 443]);

/** Every request would be answered 503. */
function unservedPort(field: string, { destination, whole }: Sent, known: KnownHosts): TrafficFinding | undefined {
  const port = destination.port?.number;
  if (port === undefined || USUAL_PORTS.has(port)) return undefined;
  const served = known.servedPorts(whole);
  if (served.size === 0 || served.has(port)) return undefined;
  const ports = [...served].toSorted((a, b) => a - b).join(', ');
  return absent(`${field}.port.number`, `no instance of ${whole} serves port ${port}: they serve ${ports}`);
}
