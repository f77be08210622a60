/**
 * Who may call: anyone at all, a workload or an agent with a valid certificate of this mesh, either of them (a holder), an
 * operator with a bearer token, or a workload or an operator (a participant): the registry itself decides what for.
 */
export type Access = 'anyone' | 'workload' | 'agent' | 'holder' | 'admin' | 'participant';

/** Every method of the API. A method without a row is refused. */
const ACCESS: ReadonlyMap<string, Access> = new Map<string, Access>([
  ['rampart.v1.IdentityService/Challenge', 'anyone'],
  ['rampart.v1.IdentityService/Attest', 'anyone'],
  ['rampart.v1.IdentityService/Renew', 'holder'],
  ['rampart.v1.AgentService/Sync', 'agent'],
  ['rampart.v1.AgentService/IssueX509Svid', 'agent'],
  ['rampart.v1.AgentService/IssueJwtSvid', 'agent'],
  ['rampart.v1.AgentService/ReportChecks', 'agent'],
  ['rampart.v1.ControlService/Connect', 'workload'],
  ['rampart.v1.TelemetryService/Report', 'workload'],
  ['rampart.v1.QuotaService/Lease', 'workload'],
  ['rampart.v1.NonceService/Take', 'workload'],
  ['rampart.v1.AdminService/Apply', 'admin'],
  ['rampart.v1.AdminService/ApplySet', 'admin'],
  ['rampart.v1.AdminService/GetResources', 'admin'],
  ['rampart.v1.AdminService/DeleteResource', 'admin'],
  ['rampart.v1.AdminService/DeleteResources', 'admin'],
  ['rampart.v1.AdminService/Rollback', 'admin'],
  ['rampart.v1.AdminService/ListRevisions', 'admin'],
  ['rampart.v1.AdminService/FollowRollout', 'admin'],
  ['rampart.v1.AdminService/Simulate', 'admin'],
  ['rampart.v1.AdminService/Suggest', 'admin'],
  ['rampart.v1.AdminService/CheckAuthorization', 'admin'],
  ['rampart.v1.AdminService/CheckTls', 'admin'],
  ['rampart.v1.AdminService/TailLogs', 'admin'],
  ['rampart.v1.AdminService/WatchTraffic', 'admin'],
  ['rampart.v1.AdminService/CreateJoinToken', 'admin'],
  ['rampart.v1.AdminService/ListCertificates', 'admin'],
  ['rampart.v1.AdminService/RevokeCertificate', 'admin'],
  ['rampart.v1.AdminService/ListAuthorities', 'admin'],
  ['rampart.v1.AdminService/PrepareAuthority', 'admin'],
  ['rampart.v1.AdminService/ActivateAuthority', 'admin'],
  ['rampart.v1.AdminService/TaintAuthority', 'admin'],
  ['rampart.v1.AdminService/RevokeAuthority', 'admin'],
  ['rampart.v1.AdminService/RequestAuthority', 'admin'],
  ['rampart.v1.AdminService/InstallAuthority', 'admin'],
  ['rampart.v1.AdminService/ListServices', 'admin'],
  ['rampart.v1.AdminService/GetStatus', 'admin'],
  ['rampart.v1.AdminService/QueryAudit', 'admin'],
  ['rampart.v1.AuditService/Ask', 'admin'],
  ['rampart.v1.ApiTokenService/CreateApiToken', 'admin'],
  ['rampart.v1.ApiTokenService/ListApiTokens', 'admin'],
  ['rampart.v1.ApiTokenService/RotateApiToken', 'admin'],
  ['rampart.v1.ApiTokenService/RevokeApiToken', 'admin'],
  ['rampart.v1.LedgerService/GetCheckpoint', 'admin'],
  ['rampart.v1.LedgerService/GetCertificateRecord', 'admin'],
  ['rampart.v1.LedgerService/ListIdentityHistory', 'admin'],
  ['rampart.v1.LedgerService/ProveEntries', 'admin'],
  ['rampart.v1.LedgerService/ReadJournal', 'admin'],
  ['rampart.v1.LedgerService/RecordBackup', 'admin'],
  ['rampart.v1.RegistryService/Register', 'participant'],
  ['rampart.v1.RegistryService/Deregister', 'participant'],
  ['rampart.v1.RegistryService/Renew', 'participant'],
  ['rampart.v1.RegistryService/ReportCheck', 'participant'],
  ['rampart.v1.RegistryService/Drain', 'participant'],
  ['rampart.v1.RegistryService/SetMaintenance', 'participant'],
  ['rampart.v1.RegistryService/Find', 'participant'],
  ['rampart.v1.RegistryService/ListServices', 'participant'],
  ['rampart.v1.RegistryService/Watch', 'participant'],
  ['rampart.v1.RegistryService/ListPending', 'admin'],
  ['rampart.v1.RegistryService/Approve', 'admin'],
  ['rampart.v1.RegistryService/Reject', 'admin'],
  ['rampart.v1.RegistryService/CheckAccess', 'admin'],
  ['rampart.v1.RevocationService/Revoke', 'admin'],
  ['rampart.v1.RevocationService/LiftBar', 'admin'],
  ['rampart.v1.RevocationService/ListRevocations', 'admin'],
  ['rampart.v1.TrustService/MintJwtSvid', 'admin'],
  ['rampart.v1.TrustService/ValidateJwtSvid', 'admin'],
  ['rampart.v1.TrustService/ListJwtKeys', 'admin'],
  ['rampart.v1.TrustService/RotateJwtKey', 'admin'],
  ['rampart.v1.TrustService/RevokeJwtKey', 'admin'],
  ['rampart.v1.TrustService/GetTrustBundle', 'admin'],
  ['rampart.v1.TrustService/ListTrustDomains', 'admin'],
]);

/** Who may call a method ("rampart.v1.AdminService/Apply"); undefined when nobody may. */
export function accessOf(method: string): Access | undefined {
  return ACCESS.get(method);
}

/** The methods that have a row. */
export function listedMethods(): readonly string[] {
  return [...ACCESS.keys()];
}
