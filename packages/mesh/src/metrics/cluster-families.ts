import type { ClusterFigures } from '../traffic/group/cluster-counts.ts';
import { labelText } from './families.ts';
import type { Labels, MetricFamily } from './families.ts';

/** Clusters that are kept apart: rules and services decide how many there are, this decides how many count. */
const MOST_CLUSTERS = 500;
const OTHERS = 'other';

type Value = (figures: ClusterFigures) => number;
type Row = readonly [name: string, type: 'counter' | 'gauge', help: string, value: Value];

/** Envoy's statistics of clusters by the names that Prometheus reads of Istio's proxies, and what Envoy does not have. */
const ROWS: readonly Row[] = [
  [
    'envoy_cluster_outlier_detection_ejections_enforced_total',
    'counter',
    'Times that an instance was ejected for how it answered.',
    ({ counts }) => counts.ejections,
  ],
  [
    'envoy_cluster_outlier_detection_ejections_active',
    'gauge',
    'Instances that are ejected now.',
    ({ ejected }) => ejected,
  ],
  [
    'envoy_cluster_circuit_breakers_default_rq_open',
    'gauge',
    'Whether a further request would wait or be turned away: 1, or 0.',
    ({ isOpen }) => (isOpen ? 1 : 0),
  ],
  [
    'envoy_cluster_upstream_rq_pending_overflow',
    'counter',
    'Requests that a breaker turned away.',
    ({ counts }) => counts.shed,
  ],
  ['envoy_cluster_upstream_rq_retry', 'counter', 'Tries after the first one.', ({ counts }) => counts.retries],
  [
    'envoy_cluster_upstream_rq_retry_limit_exceeded',
    'counter',
    'Requests whose retries were used up.',
    ({ counts }) => counts.retriesUsedUp,
  ],
  [
    'envoy_cluster_upstream_rq_retry_overflow',
    'counter',
    'Retries that breaker or budget had no room for.',
    ({ counts }) => counts.retriesTurnedAway,
  ],
  [
    'rampart_breakers_opened_total',
    'counter',
    'Times that a breaker began to make requests wait or to turn them away.',
    ({ opened }) => opened,
  ],
];

/** Ejections, breakers, retries and fallbacks, by what rules are about. */
export function clusterFamilies(all: readonly ClusterFigures[]): readonly MetricFamily[] {
  const kept = all.map((figures, index) => ({ figures, cluster: index < MOST_CLUSTERS ? figures.name : OTHERS }));
  const fallbacks: MetricFamily = {
    name: 'rampart_fallbacks_total',
    type: 'counter',
    help: 'Requests that were answered although no instance could: with the answer of a rule, or with an earlier one.',
    samples: added(
      kept.flatMap(({ figures: { counts }, cluster }) => [
        [labelsOf(cluster, ['answer', 'response']), counts.fallbacks],
        [labelsOf(cluster, ['answer', 'stale']), counts.stale],
      ]),
    ),
  };
  return [
    ...ROWS.map(([name, type, help, value]): MetricFamily => ({
      name,
      type,
      help,
      samples: added(kept.map(({ figures, cluster }) => [labelsOf(cluster), value(figures)])),
    })),
    fallbacks,
  ];
}

function labelsOf(cluster: string, ...more: Labels): string {
  return labelText([['cluster_name', cluster], ...more]);
}

/** One sample for each text of labels. */
function added(samples: readonly (readonly [labels: string, value: number])[]): MetricFamily['samples'] {
  const sums = new Map<string, number>();
  for (const [labels, value] of samples) sums.set(labels, (sums.get(labels) ?? 0) + value);
  return [...sums].map(([labels, value]) => ['', labels, value]);
}
