import type { WorkloadIdentity } from '@rampart/authority';
import type { Database } from '../database.ts';
import { createAuthorityStore } from './authority-store.ts';

/** What the holder of a certificate was attested as, by its serial. */
export function attestedWorkloads(database: Database): (serial: string) => Promise<WorkloadIdentity | undefined> {
  const certificates = createAuthorityStore(database);
  return async (serial) => (await certificates.certificate(serial))?.workload;
}
