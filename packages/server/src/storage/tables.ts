import type { AuthorityState, CertificateKind, CertificateRecord } from '@rampart/authority';
import type { ApprovalState } from '@rampart/registry';

/** All times are Unix milliseconds. Structured values that are never selected by are JSON text. */
export interface Tables {
  counters: CounterTable;
  journal_entries: JournalEntryTable;
  journal_trees: JournalTreeTable;
  journal_nodes: JournalNodeTable;
  journal_checkpoints: JournalCheckpointTable;
  ca_certificates: CaCertificateTable;
  ca_requests: CaRequestTable;
  join_tokens: JoinTokenTable;
  used_evidence: UsedEvidenceTable;
  certificates: CertificateTable;
  revocations: RevocationTable;
  instances: InstanceTable;
  registry_approvals: RegistryApprovalTable;
  resources: ResourceTable;
  resource_revisions: ResourceRevisionTable;
  resource_history: ResourceHistoryTable;
  access_log_batches: AccessLogBatchTable;
  admin_tokens: AdminTokenTable;
  jwt_keys: JwtKeyTable;
  federated_bundles: FederatedBundleTable;
  api_tokens: ApiTokenTable;
}

export interface CounterTable {
  name: string;
  value: number;
}

export interface JournalEntryTable {
  sequence: number;
  at: number;
  stream: 'audit' | 'ledger';
  kind: string;
  body: string;
  leaf_hash: string;
}

export interface JournalTreeTable {
  name: string;
  size: number;
  /** JSON array of hex hashes. */
  peaks: string;
}

export interface JournalNodeTable {
  height: number;
  position: number;
  hash: string;
}

export interface JournalCheckpointTable {
  size: number;
  root: string;
  at: number;
  /** Signed note. */
  note: string;
}

export interface CaCertificateTable {
  serial: string;
  /** Order of adding: 1, 2, 3 … */
  position: number;
  kind: 'root' | 'intermediate';
  key_name: string;
  der: Uint8Array;
  not_before: number;
  not_after: number;
  name: string;
  /** JSON array of base64 DER certificates. */
  upstream: string;
  state: AuthorityState;
  since: number;
}

export interface CaRequestTable {
  key_name: string;
  created_at: number;
}

export interface JoinTokenTable {
  token_hash: string;
  workload: string;
  spiffe_id: string;
  created_at: number;
  expires_at: number;
  used_at: number | null;
}

export interface UsedEvidenceTable {
  /** Hex SHA-256 of what was presented. */
  hash: string;
  until: number;
}

export interface CertificateTable {
  serial: string;
  kind: CertificateKind;
  spiffe_id: string;
  requested_by: string;
  issuer: string;
  reason: CertificateRecord['reason'];
  issued_at: number;
  not_before: number;
  not_after: number;
  sequence: number;
  workload: string | null;
  entry_id: string | null;
  attestation: string | null;
  revoked_at: number | null;
  revocation_reason: string | null;
  revoked_by: string | null;
  /** Id of the rule that revoked it. */
  revocation_rule: string | null;
}

export interface RevocationTable {
  id: string;
  /** Order of adding: 1, 2, 3 … */
  position: number;
  /** JSON. */
  act: string;
}

export interface InstanceTable {
  instance_id: string;
  service: string;
  namespace: string;
  identity: string;
  host: string;
  port: number;
  protocol: string;
  labels: string;
  registered_at: number;
  /** Null when it is the identity. */
  owner: string | null;
  /** JSON object of the fields that are not what they usually are; null for none. */
  details: string | null;
  /** JSON object; null for an instance that nobody said anything of. */
  state: string | null;
}

export interface RegistryApprovalTable {
  namespace: string;
  service: string;
  identity: string;
  state: ApprovalState;
  requested_at: number;
  host: string;
  port: number;
  source_ip: string;
  decided_at: number | null;
  decided_by: string | null;
}

export interface ResourceTable {
  key: string;
  json: string;
  created_at: number;
  revision: number;
}

export interface ResourceRevisionTable {
  revision: number;
  at: number;
  actor: string;
  action: 'apply' | 'delete' | 'rollback';
  /** Revision that was brought back; 0 unless the action is a rollback. */
  restored: number;
  /** JSON array of what became of each resource. */
  changes: string;
}

export interface ResourceHistoryTable {
  key: string;
  /** Revision from which the resource had this form. */
  revision: number;
  /** Null from where it was deleted. */
  json: string | null;
}

export interface AccessLogBatchTable {
  /** Order of arrival. */
  position: number;
  spiffe_id: string;
  reporter: string;
  sequence: number;
  received_at: number;
  record_count: number;
  /** Bytes this row holds, to keep within a budget without reading it. */
  size: number;
  /** Record block of @rampart/wire. */
  records: Uint8Array;
  /** JSON array of refused connections. */
  connections: string;
}

export interface AdminTokenTable {
  name: string;
  /** Hex SHA-256 of the token. */
  token_hash: string;
  created_at: number;
}

export interface JwtKeyTable {
  key_id: string;
  /** Order of adding: 1, 2, 3 … */
  position: number;
  key_name: string;
  /** SubjectPublicKeyInfo, DER. */
  public_key: Uint8Array;
  created_at: number;
  active_from: number;
  not_after: number;
  retired_at: number | null;
}

export interface FederatedBundleTable {
  trust_domain: string;
  /** SPIFFE bundle document, JSON. */
  document: string;
  /** Hex SHA-256 of the bundle that the relationship began with; "" for none. */
  bootstrap_hash: string;
  /** 0 while it is the bundle that the relationship began with. */
  fetched_at: number;
}

export interface ApiTokenTable {
  id: string;
  name: string;
  role: 'admin' | 'enroller' | 'viewer' | 'service';
  /** JSON array of names; null for none. */
  teams: string | null;
  /** Hex SHA-256 of the token. */
  token_hash: string;
  created_at: number;
  expires_at: number;
  created_by: string;
}
