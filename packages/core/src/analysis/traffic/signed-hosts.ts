import type { RequestSignaturePolicy } from '../../resource/resource.ts';
import { serviceOfHost } from '../../traffic/host.ts';
import type { TrafficFinding } from './finding.ts';
import type { KnownHosts } from './known-hosts.ts';
import { unknownService } from './unknown-service.ts';

/** Callers of a service that nobody knows would sign nothing, and what is asked to be signed would be refused. */
export function reviewSignedHosts(
  { metadata: { namespace }, spec: { hosts = [] } }: RequestSignaturePolicy,
  known: KnownHosts,
): TrafficFinding[] {
  return hosts.flatMap((host, index) => {
    const whole = known.whole(host, namespace);
    const service = serviceOfHost(whole);
    return service === undefined || known.isService(whole) ? [] : [unknownService(`spec.hosts[${index}]`, service)];
  });
}
