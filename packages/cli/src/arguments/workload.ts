import { parseServiceName, RampartError, type ServiceName } from '@rampart/core';

const DNS_LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
// The three ways people write a workload's identity, from the longest to the shortest.
const IDENTITY_FORMS = [
  /^(?:spiffe:\/\/)(?<domain>[a-z0-9._-]+)\/ns\/(?<namespace>[^/]+)\/sa\/(?<account>[^/]+)$/,
  /^(?<domain>[a-z0-9._-]+)\/ns\/(?<namespace>[^/]+)\/sa\/(?<account>[^/]+)$/,
  /^ns\/(?<namespace>[^/]+)\/sa\/(?<account>[^/]+)$/,
  /^(?<namespace>[^/]+)\/(?<account>[^/]+)$/,
];

/**
 * A caller as a SPIFFE ID, or "namespace/service-account" for the mesh's own trust domain, or "" for one without identity.
 * Takes a SPIFFE ID, a principal ("cluster.local/ns/web/sa/frontend"), "ns/web/sa/frontend", "web/frontend", "" and "none".
 */
export function parseCaller(text: string): string {
  const caller = readCaller(text);
  if (caller !== undefined) return caller;
  throw new RampartError(
    'INVALID_ARGUMENT',
    `--from ${JSON.stringify(text)} is not a caller; write a SPIFFE ID, namespace/service-account, or none for a caller without identity`,
  );
}

function readCaller(text: string): string | undefined {
  if (text === '' || text === 'none') return '';
  for (const form of IDENTITY_FORMS) {
    const groups = form.exec(text)?.groups;
    if (groups === undefined) continue;
    const { domain, namespace, account } = groups;
    return domain === undefined ? `${namespace}/${account}` : `spiffe://${domain}/ns/${namespace}/sa/${account}`;
  }
  return text.startsWith('spiffe://') ? text : undefined;
}

/** A service by its short or long name ("orders-api", "orders-api.default", "orders-api.default.svc.cluster.local"). */
export function parseService(text: string, defaultNamespace: string): ServiceName {
  const service = parseServiceName(text.replace(/:\d+$/, ''), defaultNamespace);
  if (service !== undefined) return service;
  // The namespace may have been said apart from the name.
  requireDnsLabel(defaultNamespace, '--namespace');
  throw new RampartError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(text)} is not the name of a service; write orders-api, orders-api.default or orders-api.default.svc.cluster.local`,
  );
}

/** A DNS label (RFC 1123), the form of names, namespaces and service accounts; throws INVALID_ARGUMENT that names the option. */
export function requireDnsLabel(text: string, option: string): string {
  if (DNS_LABEL.test(text)) return text;
  throw new RampartError(
    'INVALID_ARGUMENT',
    `${option} ${JSON.stringify(text)} is not a name: lower-case letters, digits and "-", at most 63, such as orders-api`,
  );
}

/** A SPIFFE ID from what `parseCaller` takes, in the given trust domain where none is written. */
export function parseIdentity(text: string, trustDomain: string): string {
  const caller = readCaller(text);
  if (caller === undefined) {
    throw new RampartError(
      'INVALID_ARGUMENT',
      `${JSON.stringify(text)} is not an identity; write namespace/service-account or a SPIFFE ID`,
    );
  }
  if (caller === '' || caller.startsWith('spiffe://')) return caller;
  const [namespace, account] = caller.split('/');
  return `spiffe://${trustDomain}/ns/${namespace}/sa/${account}`;
}
