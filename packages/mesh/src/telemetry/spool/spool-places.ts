import { createHash } from 'node:crypto';
import { join } from 'node:path';

import type { WorkloadRef } from '@rampart/core';
import { parseCertificate } from '@rampart/spiffe';
import type { TrustBundle } from '@rampart/spiffe';

/**
 * Where the records of a workload wait below `directory`: a folder for each root of its mesh, the one that is good for longest in
 * front. Records are one mesh's business, and another one may have the same trust domain and the same identities: only roots
 * tell them apart. While roots are replaced a mesh has several, and what waits under one of them is its own.
 */
export function spoolPlaces(
  directory: string,
  { trustDomain, roots }: Pick<TrustBundle, 'trustDomain' | 'roots'>,
  { namespace, serviceAccount }: Pick<WorkloadRef, 'namespace' | 'serviceAccount'>,
): readonly string[] {
  return roots
    .map((root) => ({ root, notAfter: endOf(root) }))
    .toSorted((a, b) => b.notAfter - a.notAfter)
    .map(({ root }) => join(directory, trustDomain.name, fingerprintOf(root), namespace, serviceAccount));
}

/** Unix milliseconds; 0 for what is no certificate. */
function endOf(root: Uint8Array): number {
  const parsed = parseCertificate(root);
  return parsed.ok ? parsed.value.notAfter : 0;
}

/** Short enough for paths, long enough that nobody makes a root that has another one's. */
function fingerprintOf(root: Uint8Array): string {
  return createHash('sha256').update(root).digest('hex').slice(0, 32);
}
