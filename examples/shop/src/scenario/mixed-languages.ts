import type { Shop } from '../mesh/shop.ts';
import type { Expectation } from './expectation.ts';
import { hopExpectation, wayOf } from './hop.ts';
import type { Hop } from './hop.ts';

interface MixedHop extends Hop {
  readonly kind: string;
  /** Services without which it does not happen; a delivery is made of what the catalogue knows of the parcel. */
  readonly needs: readonly string[];
}

/** Calls both ways between services that have the mesh in their process and services behind sidecars, and between two of these. */
const MIXED_HOPS: readonly MixedHop[] = [
  {
    kind: 'to nginx, behind its sidecar',
    needs: ['catalog'],
    from: 'frontend',
    to: 'catalog.production.svc',
    method: 'GET',
    path: '/images/lamp.svg',
    code: 200,
    policy: 'production/catalog-policy',
  },
  {
    kind: 'to Python, behind its sidecar',
    needs: ['delivery-api', 'catalog'],
    from: 'api-server',
    to: 'delivery-api.default.svc',
    method: 'GET',
    path: /^\/api\/deliveries\/\d+\?user=ada&sku=\w+$/,
    code: 200,
    policy: 'default/delivery-api-policy',
  },
  {
    kind: 'from Python, through its sidecar',
    needs: ['delivery-api', 'catalog'],
    from: 'delivery-api',
    to: 'users-api.default.svc',
    method: 'GET',
    path: '/api/users/ada',
    code: 200,
    policy: 'default/users-api-policy',
  },
  {
    kind: 'from sidecar to sidecar',
    needs: ['delivery-api', 'catalog'],
    from: 'delivery-api',
    to: 'catalog.production.svc',
    method: 'GET',
    path: /^\/parcels\/\w+\.json$/,
    code: 200,
    policy: 'production/catalog-policy',
  },
];

/** What must be on record of the services that are there. */
export function mixedLanguages(shop: Shop): Promise<Expectation[]> {
  const absent = new Set(shop.absent.map(({ workload }) => workload.name));
  const hops = MIXED_HOPS.filter(({ needs }) => !needs.some((name) => absent.has(name)));
  return Promise.all(hops.map((hop) => hopExpectation(shop, hop, `languages: ${wayOf(hop)}, ${hop.kind}`)));
}
