import type { LimitHits } from '../inbound/limit/request-limits.ts';
import { labelText } from './families.ts';
import type { MetricFamily } from './families.ts';

/** How often rules of RateLimits found no room for a request; of several processes the sum. */
export function limitFamilies({ hits }: { readonly hits: readonly LimitHits[] }): readonly MetricFamily[] {
  return [
    {
      name: 'rampart_limit_hits_total',
      type: 'counter',
      help: 'Requests for which a rule of a RateLimit had no room; those of mode SHADOW went on.',
      samples: hits.map(({ policy, rule, isShadow, refused }) => [
        '',
        labelText([
          ['policy', policy],
          ['rule', rule],
          ['mode', isShadow ? 'SHADOW' : 'ENFORCE'],
        ]),
        refused,
      ]),
    },
  ];
}
