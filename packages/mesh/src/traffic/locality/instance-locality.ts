import type { MeshEndpoint } from '../../view/endpoint.ts';
import type { InstanceLocality } from '../settings/balancing.ts';

const REGION = 'topology.kubernetes.io/region';
const ZONE = 'topology.kubernetes.io/zone';
const SUB_ZONE = 'topology.istio.io/subzone';

/** Where an instance is, by the labels of Kubernetes and Istio. */
export function localityOf({ labels }: Pick<MeshEndpoint, 'labels'>): InstanceLocality {
  return { region: labels[REGION] ?? '', zone: labels[ZONE] ?? '', subZone: labels[SUB_ZONE] ?? '' };
}

/** "region/zone/subZone" without what is not known at its end. */
export function localityText({ region, zone, subZone }: InstanceLocality): string {
  if (zone === '') return region;
  return subZone === '' ? `${region}/${zone}` : `${region}/${zone}/${subZone}`;
}

/** Whether a pattern ("eu/*", "eu/eu-1/*", "*") is about a locality. */
export function matchesLocality(pattern: string, locality: InstanceLocality): boolean {
  const wanted = pattern.split('/');
  const has = [locality.region, locality.zone, locality.subZone];
  for (const [index, part] of wanted.entries()) {
    if (part === '*') return true;
    if (part !== has[index]) return false;
  }
  return true;
}

/** 0 where both are in the same sub-zone, 3 where not even the region is the same; a region named as next is nearer than others. */
export function distance(own: InstanceLocality, other: InstanceLocality, next: string | undefined): number {
  if (own.region !== other.region) return next === undefined || other.region === next ? OTHER_REGION : OTHER_REGION + 1;
  if (own.zone !== other.zone) return 2;
  return own.subZone === other.subZone ? 0 : 1;
}

const OTHER_REGION = 3;
