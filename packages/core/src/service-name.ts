/** A service as the registry keys it. */
export interface ServiceName {
  readonly name: string;
  readonly namespace: string;
}

/** RFC 1123 label. */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const DIGITS = /^[0-9]+$/;

/**
 * Reads a host name the way cluster DNS would: "orders-api" (of the caller's namespace), "orders-api.default",
 * "orders-api.default.svc", "orders-api.default.svc.cluster.local"; any case, with or without the final dot.
 * Undefined for what cannot name a service: IP literals, "localhost", other domains.
 */
export function parseServiceName(
  host: string,
  callerNamespace: string,
  clusterDomain: string = 'cluster.local',
): ServiceName | undefined {
  const text = host.toLowerCase();
  const labels = (text.endsWith('.') ? text.slice(0, -1) : text).split('.');
  const [name, namespace = callerNamespace, svc = 'svc', ...domain] = labels;
  if (name === undefined || name === 'localhost' || !isServiceLabel(name) || !LABEL.test(namespace)) return undefined;
  if (labels.length === 2 && DIGITS.test(namespace)) return undefined;
  if (svc !== 'svc' || (domain.length > 0 && domain.join('.') !== clusterDomain)) return undefined;
  return { name, namespace };
}

/** "orders-api.default.svc": the one spelling used in logs, certificates and keys. */
export function serviceHost(service: ServiceName): string {
  return `${service.name}.${service.namespace}.svc`;
}

/** A label of digits only would be read as an IPv4 address by every resolver. */
function isServiceLabel(label: string): boolean {
  return LABEL.test(label) && !DIGITS.test(label);
}
