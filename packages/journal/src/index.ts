export { auditRecord } from './audit.ts';
export type { AuditEvent, AuditRecord, AuditResult } from './audit.ts';
export { checkpointText, openCheckpoint, parseCheckpoint } from './checkpoints/checkpoint.ts';
export type { Checkpoint } from './checkpoints/checkpoint.ts';
export { Checkpoints } from './checkpoints/checkpoints.ts';
export type { CheckpointsOptions } from './checkpoints/checkpoints.ts';
export { createMemoryCheckpointStore } from './checkpoints/memory-store.ts';
export { openNote, signNote } from './checkpoints/signed-note.ts';
export type { NoteSigner } from './checkpoints/signed-note.ts';
export type { AnchorLoss, CheckpointAnchor, CheckpointStore, SignedCheckpoint } from './checkpoints/store.ts';
export { parseVerifierKey, verifierKeyOf } from './checkpoints/verifier-key.ts';
export type { VerifierKey } from './checkpoints/verifier-key.ts';
export { canonicalJson } from './canonical-json.ts';
export type { JsonValue } from './canonical-json.ts';
export { ExpiredRecords } from './retention/expired-records.ts';
export type { SeenEntry } from './retention/expired-records.ts';
export { Retention } from './retention/retention.ts';
export type { RetentionOptions } from './retention/retention.ts';
export { EXPIRY_KIND, readExpiry } from './retention/statement.ts';
export type { ExpiredType, ExpiryStatement } from './retention/statement.ts';
export { storeCompanions } from './companions.ts';
export { AUDIT_EVENT_TYPES } from './event-types.ts';
export { Journal } from './journal.ts';
export type { CompanionOf, JournalBody, JournalHead, JournalOptions, StampedBodyOf } from './journal.ts';
export { isFailure, revocationOf, revokes, REVOKING } from './ledger/revocation-entry.ts';
export type { EntryFields } from './ledger/revocation-entry.ts';
export { createMemoryJournalStore } from './memory-store.ts';
export { leafHash, MerkleTree } from './merkle-tree.ts';
export type { ConsistencyProof, InclusionProof } from './proofs/proofs.ts';
export { verifyConsistency, verifyInclusion } from './proofs/verification.ts';
export type {
  Companion,
  JournalBatch,
  JournalEntry,
  JournalQuery,
  JournalStore,
  JournalStream,
  MerkleNode,
  MerkleRow,
  MerkleState,
} from './store.ts';
export { verifyJournal } from './verification.ts';
export type { JournalDamage } from './verification.ts';
