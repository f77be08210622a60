import type {
  CompiledBalancer,
  CompiledLimits,
  CompiledLocality,
  CompiledOutlier,
  CompiledPolicy,
} from '@rampart/core';

const MS_PER_SECOND = 1000;
const SOURCE = { header: 'header', query: 'query parameter', cookie: 'cookie' } as const;

/** What rules say about the instances of a service, in words: "least-request, out after 5 errors". */
export function policyText({ balancer, warmup, locality, limits, outlier, fallback }: CompiledPolicy): string {
  return [
    balancerText(balancer),
    ...(warmup === undefined ? [] : [`new ones warm up for ${warmup.durationMs / MS_PER_SECOND} s`]),
    ...(locality === undefined ? [] : [localityText(locality)]),
    ...(limits === undefined ? [] : limitsText(limits)),
    ...(outlier === undefined ? [] : [outlierText(outlier)]),
    ...(fallback?.staleMs === undefined ? [] : ['else an earlier answer']),
    ...(fallback?.response === undefined ? [] : [`else answered ${fallback.response.status}`]),
  ].join(', ');
}

function balancerText(balancer: CompiledBalancer | undefined): string {
  if (balancer?.kind !== 'hash') return balancer?.kind ?? 'least-request';
  const { source } = balancer;
  return source.of === 'caller' ? 'the same for each caller' : `the same for each ${SOURCE[source.of]} ${source.name}`;
}

function localityText({ own, distribute }: CompiledLocality): string {
  if (distribute !== undefined) return distribute.map(({ to, weight }) => `${weight} % in ${to}`).join(' and ');
  const place = [own.region, own.zone, own.subZone].filter((part) => part !== '').join('/');
  return place === '' ? 'of any place, as the caller has none' : `the nearest to ${place} first`;
}

function limitsText({ requests, pending, retries }: CompiledLimits): string[] {
  const waiting = pending === undefined ? 'others wait' : pending === 0 ? 'none waits' : `${pending} more wait`;
  return [
    ...(requests === undefined ? [] : [`at most ${requests} requests at a time and ${waiting}`]),
    ...(retries === undefined ? [] : [`at most ${retries} retries at a time`]),
  ];
}

function outlierText(outlier: CompiledOutlier): string {
  const { consecutive5xx, consecutiveGateway, consecutiveLocal, maxEjectionPercent } = outlier;
  const counts = [
    ...(consecutive5xx === 0 ? [] : [`${consecutive5xx} ${consecutive5xx === 1 ? 'error' : 'errors'}`]),
    ...(consecutiveGateway === 0 ? [] : [`${consecutiveGateway} times 502, 503 or 504`]),
    ...(consecutiveLocal === 0 ? [] : [`${consecutiveLocal} times no answer`]),
  ];
  if (counts.length === 0 || maxEjectionPercent === 0) return 'never out for their errors';
  return `out after ${counts.join(' or ')}`;
}
