import { DEFAULT_NAMESPACE, RampartError, type ResourceKind, scopeOfKind } from '@rampart/core';
import { closest } from './closest.ts';

/** The kinds that can be applied and deleted. */
export type StoredKind = ResourceKind;

/** What `rampart get` can show: the kinds of resource, and the things the control plane observes. */
export type ListedKind = StoredKind | 'services' | 'dataplanes';

const NAMES: Readonly<Record<ListedKind, readonly string[]>> = {
  PeerAuthentication: ['peerauthentication', 'peerauthentications', 'pa'],
  RequestAuthentication: ['requestauthentication', 'requestauthentications', 'ra'],
  AuthorizationPolicy: ['authorizationpolicy', 'authorizationpolicies', 'ap'],
  ServiceTokenPolicy: ['servicetokenpolicy', 'servicetokenpolicies', 'stp'],
  NetworkPolicy: ['networkpolicy', 'networkpolicies', 'netpol'],
  VirtualService: ['virtualservice', 'virtualservices', 'vs'],
  DestinationRule: ['destinationrule', 'destinationrules', 'dr'],
  ServiceEntry: ['serviceentry', 'serviceentries', 'se'],
  RateLimit: ['ratelimit', 'ratelimits', 'rl'],
  Quarantine: ['quarantine', 'quarantines', 'quar'],
  RequestSignaturePolicy: ['requestsignaturepolicy', 'requestsignaturepolicies', 'rsp'],
  Fallback: ['fallback', 'fallbacks', 'fb'],
  Namespace: ['namespace', 'namespaces', 'ns'],
  MeshConfig: ['meshconfig', 'meshconfigs', 'mc'],
  RegistrationEntry: ['registrationentry', 'registrationentries', 'entries', 'entry'],
  Attestor: ['attestors', 'attestor'],
  FederatedTrustDomain: ['federatedtrustdomain', 'federatedtrustdomains', 'ftd'],
  RegistryAcl: ['registryacl', 'registryacls', 'acls', 'acl'],
  RegistrySettings: ['registrysettings', 'rs'],
  services: ['services', 'service', 'svc'],
  dataplanes: ['dataplanes', 'dataplane', 'dp'],
};
const KIND_OF_NAME: ReadonlyMap<string, ListedKind> = new Map(
  (Object.keys(NAMES) as ListedKind[]).flatMap((kind) => NAMES[kind].map((name): [string, ListedKind] => [name, kind])),
);

/** For help texts: each kind with its short name. */
export const STORED_KIND_HELP =
  'PeerAuthentication (pa), RequestAuthentication (ra), AuthorizationPolicy (ap), ServiceTokenPolicy (stp), NetworkPolicy (netpol), VirtualService (vs), DestinationRule (dr), ServiceEntry (se), Fallback (fb), RateLimit (rl), RequestSignaturePolicy (rsp), Quarantine (quar), Namespace (ns), MeshConfig (mc), RegistrationEntry (entry), Attestor, FederatedTrustDomain (ftd), RegistryAcl (acl), RegistrySettings (rs)';
export const KIND_HELP: string = `${STORED_KIND_HELP}, services (svc), dataplanes (dp)`;

/** The kind that a name, plural or short name stands for, in any case; throws INVALID_ARGUMENT with a suggestion. */
export function parseKind(text: string): ListedKind {
  const plain = text
    .toLowerCase()
    .replace(/\.(?:(?:security|networking)\.istio\.io|networking\.k8s\.io|rampart\.dev)$/, '');
  const kind = KIND_OF_NAME.get(plain);
  if (kind !== undefined) return kind;
  const near = closest(plain, [...KIND_OF_NAME.keys()]);
  const hint = near === undefined ? '' : ` Did you mean ${near}?`;
  throw new RampartError('INVALID_ARGUMENT', `unknown kind "${text}".${hint} Known kinds: ${KIND_HELP}`);
}

/** Like `parseKind`, for commands that change resources. */
export function parseStoredKind(text: string): StoredKind {
  const kind = parseKind(text);
  if (kind === 'services' || kind === 'dataplanes') {
    throw new RampartError(
      'INVALID_ARGUMENT',
      `${kind} come and go with the processes that run them; stop the process instead of deleting them`,
    );
  }
  return kind;
}

/** Namespace to look in when `-n` says one or nothing; "" for all, which is where a kind without namespace is found. */
export function namespaceOf(kind: ListedKind, given: string | undefined): string {
  const scope = scopeOfKind(kind);
  if (scope === 'cluster' || kind === 'dataplanes') return '';
  return given ?? (scope === 'mesh' || scope === 'root' ? '' : DEFAULT_NAMESPACE);
}
