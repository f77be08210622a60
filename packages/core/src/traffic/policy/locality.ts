import type { LocalitySettings } from '../../resource/traffic/destination-rule/locality.ts';
import type { CompiledLocality, Locality } from '../settings.ts';

const REGION = 'topology.kubernetes.io/region';
const ZONE = 'topology.kubernetes.io/zone';
const SUB_ZONE = 'topology.istio.io/subzone';

/** Where a workload is, by the labels of Kubernetes and Istio. */
export function localityOf(labels: Readonly<Record<string, string>>): Locality {
  return { region: labels[REGION] ?? '', zone: labels[ZONE] ?? '', subZone: labels[SUB_ZONE] ?? '' };
}

/** What is preferred for a caller at a place; undefined where places mean nothing. */
export function compileLocality(settings: LocalitySettings | undefined, own: Locality): CompiledLocality | undefined {
  if (settings === undefined || settings.enabled === false) return undefined;
  const share = settings.distribute?.find(({ from }) => isWithin(own, from));
  if (settings.distribute !== undefined && share === undefined) return undefined;
  const failover = settings.failover?.find(({ from }) => from === own.region)?.to;
  return {
    own,
    ...(share === undefined ? {} : { distribute: Object.entries(share.to).map(([to, weight]) => ({ to, weight })) }),
    ...(failover === undefined ? {} : { failover }),
  };
}

/** Whether a place is one of "region/zone/*". */
function isWithin({ region, zone, subZone }: Locality, pattern: string): boolean {
  const place = [region, zone, subZone];
  for (const [index, part] of pattern.split('/').entries()) {
    if (part === '*') return true;
    if (part !== place[index]) return false;
  }
  return true;
}
