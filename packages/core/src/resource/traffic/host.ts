import { parseIpAddress } from '../../policy/match/address/ip-block.ts';
import type { Reader } from '../cursor.ts';

const LABEL = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;
const MAX_HOST = 253;

/** What is wrong with a host name that has no wildcard; undefined when nothing is. */
export function hostProblem(text: string): string | undefined {
  const labels = text.split('.');
  if (text.length <= MAX_HOST && labels.every((label) => LABEL.test(label))) return undefined;
  return 'must be a DNS name such as orders-api, orders-api.shop.svc.cluster.local or api.example.com';
}

/** Istio `ValidateWildcardDomain`: a DNS name whose first label may be "*". */
function wildcardHostProblem(text: string): string | undefined {
  if (text === '*') return undefined;
  if (parseIpAddress(text) !== undefined)
    return 'must be a name: services of a mesh are called by name, not by address';
  if (!text.includes('*')) return hostProblem(text);
  const rest = text.startsWith('*.') ? text.slice(2) : '*';
  return rest.includes('*') ? 'may use "*" for the first label only: *.example.com' : hostProblem(rest);
}

/** A host that rules are about: a name, or "*.example.com"; in lower case. */
export const readRuleHost: Reader<string> = (at) => {
  const host = at.checked((text) => {
    if (text === '*') return 'must not be "*": name the hosts, or a domain as in *.example.com';
    return wildcardHostProblem(text);
  }, 'a host name');
  return host?.toLowerCase();
};

/** A host that requests are sent to; in lower case. */
export const readDestinationHost: Reader<string> = (at) => {
  const host = at.checked((text) => {
    if (text.includes('*')) return 'must be one host: requests cannot be sent to "*"';
    return wildcardHostProblem(text);
  }, 'a host name');
  return host?.toLowerCase();
};

/** Whether a host is one of those that a pattern, "api.example.com" or "*.example.com", stands for. Both in lower case. */
export function hostMatches(pattern: string, host: string): boolean {
  return pattern.startsWith('*.')
    ? host.length > pattern.length - 1 && host.endsWith(pattern.slice(1))
    : pattern === host;
}

/** What is wrong with a host, or pattern of hosts, as one outside the mesh; undefined when nothing is. */
export function externalHostProblem(host: string): string | undefined {
  if (!host.includes('.')) return 'must have a dot: names without one are services of the mesh';
  if (/(?:^|\.)svc(?:\.cluster\.local)?$/.test(host) || host.endsWith('.cluster.local')) {
    return 'is a name of the mesh, whose services register themselves';
  }
  return host === '*.local' || host === 'localhost.localdomain'
    ? 'is a name of this machine or its network'
    : undefined;
}
