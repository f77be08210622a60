import type { DestinationRule, VirtualService } from '../../resource/resource.ts';
import type { PortPolicy, TrafficPolicy } from '../../resource/traffic/destination-rule/traffic-policy.ts';
import { unsupported, warned, type TrafficFinding } from './finding.ts';
import type { KnownHosts } from './known-hosts.ts';

/** What is to be said of how instances are used, which depends on whether they are of the mesh. */
export function reviewPolicies(rule: DestinationRule, known: KnownHosts): TrafficFinding[] {
  const { namespace } = rule.metadata;
  const { host, subsets = [] } = rule.spec;
  const isOutside = known.isOutside(known.whole(host, namespace), namespace);
  const review = isOutside ? outside : inside;
  const found = policiesOf(rule).flatMap(([field, policy]) => review(field, policy));
  if (!isOutside || subsets.length === 0) return found;
  return [
    ...found,
    unsupported('spec.subsets', 'hosts outside the mesh have no instances here that could be told apart'),
  ];
}

/** A try that may take longer than all of them together is the last one. */
export function reviewTimes({ spec: { http = [] } }: VirtualService): TrafficFinding[] {
  return http.flatMap(({ timeoutMs = Infinity, retries }, index) =>
    (retries?.perTryTimeoutMs ?? 0) > timeoutMs
      ? [warned(`spec.http[${index}].retries.perTryTimeout`, 'is longer than timeout, which ends the request first')]
      : [],
  );
}

/** By the field of each. */
function policiesOf({ spec: { trafficPolicy, subsets = [] } }: DestinationRule): (readonly [string, PortPolicy])[] {
  const all = [
    ['spec.trafficPolicy', trafficPolicy] as const,
    ...subsets.map((subset, index) => [`spec.subsets[${index}].trafficPolicy`, subset.trafficPolicy] as const),
  ];
  return all.flatMap(([field, policy]) =>
    policy === undefined ? [] : [[field, policy] as const, ...portsOf(field, policy)],
  );
}

function portsOf(field: string, { portLevelSettings = [] }: TrafficPolicy): (readonly [string, PortPolicy])[] {
  return portLevelSettings.map((settings, index) => [`${field}.portLevelSettings[${index}]`, settings]);
}

function inside(field: string, { tls, loadBalancer, outlierDetection }: PortPolicy): TrafficFinding[] {
  const findings: TrafficFinding[] = [];
  if (tls !== undefined && tls.mode !== 'ISTIO_MUTUAL') {
    findings.push(
      unsupported(`${field}.tls.mode`, 'every hop within the mesh is mutual TLS: leave tls out, or say ISTIO_MUTUAL'),
    );
  }
  const { failover, enabled = true } = loadBalancer?.localityLbSetting ?? {};
  if (failover !== undefined && enabled && outlierDetection === undefined) {
    findings.push(
      warned(
        `${field}.loadBalancer.localityLbSetting.failover`,
        'only instances that leave the registry are out: without outlierDetection none that fails is',
      ),
    );
  }
  return findings;
}

const OF_INSTANCES = ['loadBalancer', 'connectionPool', 'outlierDetection', 'retryBudget'] as const;

function outside(field: string, policy: TrafficPolicy): TrafficFinding[] {
  return OF_INSTANCES.filter((name) => policy[name] !== undefined).map((name) =>
    unsupported(`${field}.${name}`, 'is about instances of the mesh: of hosts outside it, tls is all that can be said'),
  );
}
