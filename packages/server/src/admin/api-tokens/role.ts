/** What the holder of a token of the API may do. */
export type Role = 'admin' | 'enroller' | 'viewer' | 'service';

export const ROLES: readonly Role[] = ['admin', 'enroller', 'viewer', 'service'];

/** What changes nothing and shows no secret. */
const VIEWER: readonly string[] = [
  'rampart.v1.AdminService/GetResources',
  'rampart.v1.AdminService/ListRevisions',
  'rampart.v1.AdminService/FollowRollout',
  'rampart.v1.AdminService/Simulate',
  'rampart.v1.AdminService/Suggest',
  'rampart.v1.AdminService/CheckAuthorization',
  'rampart.v1.AdminService/CheckTls',
  'rampart.v1.AdminService/TailLogs',
  'rampart.v1.AdminService/WatchTraffic',
  'rampart.v1.AdminService/ListCertificates',
  'rampart.v1.AdminService/ListServices',
  'rampart.v1.AdminService/GetStatus',
  'rampart.v1.AdminService/QueryAudit',
  'rampart.v1.LedgerService/GetCheckpoint',
  'rampart.v1.LedgerService/GetCertificateRecord',
  'rampart.v1.LedgerService/ListIdentityHistory',
  'rampart.v1.LedgerService/ProveEntries',
  'rampart.v1.LedgerService/ReadJournal',
  'rampart.v1.RegistryService/Find',
  'rampart.v1.RegistryService/ListServices',
  'rampart.v1.RegistryService/Watch',
  'rampart.v1.RegistryService/ListPending',
  'rampart.v1.RegistryService/CheckAccess',
  'rampart.v1.RevocationService/ListRevocations',
  'rampart.v1.TrustService/ValidateJwtSvid',
  'rampart.v1.TrustService/ListJwtKeys',
  'rampart.v1.TrustService/GetTrustBundle',
  'rampart.v1.TrustService/ListTrustDomains',
];

/** What brings workloads in, and nothing else. */
const ENROLLER: readonly string[] = [
  'rampart.v1.AdminService/CreateJoinToken',
  'rampart.v1.AdminService/GetStatus',
  'rampart.v1.TrustService/GetTrustBundle',
];

/** What services and teams ask of the registry; what they may do with which service is said by its rules. */
const SERVICE: readonly string[] = [
  'rampart.v1.RegistryService/Register',
  'rampart.v1.RegistryService/Deregister',
  'rampart.v1.RegistryService/Renew',
  'rampart.v1.RegistryService/ReportCheck',
  'rampart.v1.RegistryService/Drain',
  'rampart.v1.RegistryService/SetMaintenance',
  'rampart.v1.RegistryService/Find',
  'rampart.v1.RegistryService/ListServices',
  'rampart.v1.RegistryService/Watch',
];

/** Every holder may exchange its own token; the method itself sees to it that it is no other's. */
const EVERYONE = 'rampart.v1.ApiTokenService/RotateApiToken';

/** Methods that a role may call; a method that is in no list is for admins only, so that a new one is closed at first. */
const METHODS: Readonly<Record<Exclude<Role, 'admin'>, ReadonlySet<string>>> = {
  enroller: new Set([...ENROLLER, EVERYONE]),
  viewer: new Set([...VIEWER, EVERYONE]),
  service: new Set([...SERVICE, EVERYONE]),
};

export function mayCall(role: Role, method: string): boolean {
  return role === 'admin' || METHODS[role].has(method);
}

/** The methods that a list names, for the test that each of them exists. */
export function methodsOfRoles(): readonly string[] {
  return Object.values(METHODS).flatMap((methods) => [...methods]);
}

export function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text);
}
