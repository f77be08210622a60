import type { Migration, MigrationProvider } from 'kysely/migration';
import type { StorageEngine } from '../engine.ts';
import { firstTables } from './2026-11-first-tables.ts';
import { instanceState } from './2026-12-instance-state.ts';
import { registryApprovals } from './2026-12-registry-approvals.ts';
import { resourceHistory } from './2026-11-resource-history.ts';
import { revocations } from './2026-11-revocations.ts';
import { revokedCertificates } from './2026-12-revoked-certificates.ts';
import { signingAuthorities } from './2026-11-signing-authorities.ts';
import { tokenTeams } from './2026-12-token-teams.ts';
import { trust } from './2026-11-trust.ts';
import { usedEvidence } from './2026-11-used-evidence.ts';
import { verifiableJournal } from './2026-11-verifiable-journal.ts';
import { unexpiredRecords } from './2026-12-unexpired-records.ts';
import { slicedIndices } from './2026-12-sliced-indices.ts';

/** Every migration by name; they run in the order of their names, once each. */
export function migrationProvider(engine: StorageEngine): MigrationProvider {
  const migrations: Record<string, Migration> = {
    '2026-11-first-tables': firstTables(engine),
    '2026-11-resource-history': resourceHistory(),
    '2026-11-revocations': revocations(),
    '2026-11-signing-authorities': signingAuthorities(),
    '2026-11-trust': trust(engine),
    '2026-11-used-evidence': usedEvidence(),
    '2026-11-verifiable-journal': verifiableJournal(engine),
    '2026-12-instance-state': instanceState(),
    '2026-12-registry-approvals': registryApprovals(),
    '2026-12-token-teams': tokenTeams(),
    '2026-12-revoked-certificates': revokedCertificates(),
    '2026-12-sliced-indices': slicedIndices(engine),
    '2026-12-unexpired-records': unexpiredRecords(),
  };
  return { getMigrations: async () => migrations };
}
