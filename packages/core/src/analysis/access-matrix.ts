import { isDryRun } from '../resource/dry-run.ts';
import { qualifiedName, type AuthorizationPolicy, type Resource } from '../resource/resource.ts';
import { namespaceLabels } from '../policy/network/facts.ts';
import { judgeBy, policyFor, type Callee, type MeshFacts, type Question } from '../policy/question.ts';
import { byAge, selects, type WorkloadRef } from '../policy/selection.ts';
import type { TlsMode } from '../policy/tls-mode.ts';
import type { WorkloadPolicy } from '../policy/workload-policy.ts';
import { callersOf, type Caller } from './access/callers.ts';
import { grantsOf, isUnconditional, type Grant } from './access/grant.ts';
import { egressStanding, ingressStanding, type NetworkStanding } from './access/network-standing.ts';

/** Who may call a workload, and why. */
export interface AccessMatrix {
  readonly callee: Callee;
  readonly tls: TlsMode;
  /** What happens to a call that no rule is about. */
  readonly byDefault: 'ALLOW' | 'DENY';
  /** Names of the policies in force, by what they do; `dryRun` ones are enforced nowhere. */
  readonly policies: Readonly<Record<'allow' | 'deny' | 'custom' | 'audit' | 'dryRun', readonly string[]>>;
  /** Issuers whose tokens are verified; a token of any other is refused. */
  readonly issuers: readonly string[];
  /** Tokens between services, one of which every request needs. */
  readonly serviceTokens: readonly RequiredToken[];
  /** NetworkPolicies that keep out whom they do not name; "namespace/name". */
  readonly network: readonly string[];
  /** Why everything is denied; empty when every policy can be enforced. */
  readonly problems: readonly string[];
  readonly callers: readonly CallerAccess[];
}

/** What a ServiceTokenPolicy asks of a token. */
export interface RequiredToken {
  /** "namespace/name". */
  readonly policy: string;
  readonly issuer: string;
  readonly audience: string;
}

/** An identity that exists. */
export interface KnownCaller {
  readonly principal: string;
  /** For NetworkPolicies; `app: <service account>` where absent. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** What one caller may do. */
export interface CallerAccess {
  readonly caller: Caller;
  /** SOME: what `allowed` says, without what `denied` says; everything else when `allowed` is "everything". */
  readonly access: 'ALL' | 'SOME' | 'NONE';
  /** Rules that let it in; "everything" when the workload has no ALLOW policy. */
  readonly allowed: readonly Grant[] | 'everything';
  readonly denied: readonly Grant[];
  /** Rules by which an external authorizer is asked first. */
  readonly asked: readonly Grant[];
  /** What NetworkPolicies ask besides, of which any is enough: "from 10.0.0.0/8"; nothing when there is none. */
  readonly network: readonly string[];
  /** Why nothing is allowed; "" when something is. */
  readonly reason: string;
}

/** The matrix of a workload. Every known caller gets a row, named by a policy or not. */
export function accessMatrix(callee: Callee, mesh: MeshFacts, known: readonly KnownCaller[] = []): AccessMatrix {
  const policy = policyFor(callee, mesh);
  const policies = mesh.resources
    .filter((resource) => resource.kind === 'AuthorizationPolicy')
    .filter((resource) => selects(resource, callee, mesh.rootNamespace))
    .toSorted(byAge);
  const enforced = policies.filter((one) => !isDryRun(one));
  const of = (action: string): readonly AuthorizationPolicy[] => enforced.filter(({ spec }) => spec.action === action);
  const parts = { allow: of('ALLOW'), deny: of('DENY'), custom: of('CUSTOM') };
  const identities = [...new Set(known.map(({ principal }) => principal))];
  const trustDomains = { names: [...new Set([mesh.trustDomain, ...policy.settings.trustDomainAliases])] };
  const grants = (some: readonly AuthorizationPolicy[], { principal }: Caller): readonly Grant[] =>
    some.flatMap((one) => grantsOf(one, principal, trustDomains));
  return {
    callee,
    tls: policy.tlsMode(callee.port),
    byDefault: parts.allow.length === 0 ? 'ALLOW' : 'DENY',
    policies: {
      allow: parts.allow.map(qualifiedName),
      deny: parts.deny.map(qualifiedName),
      custom: parts.custom.map(qualifiedName),
      audit: of('AUDIT').map(qualifiedName),
      dryRun: policies.filter(isDryRun).map(qualifiedName),
    },
    issuers: policy.jwtRules.map(({ issuer }) => issuer),
    serviceTokens: policy.serviceTokens.map((one) => ({
      policy: qualifiedName(one),
      issuer: one.spec.issuer,
      audience: one.spec.audience,
    })),
    network: mesh.resources.filter((resource) => isolates(resource, callee, mesh.rootNamespace)).map(qualifiedName),
    problems: policy.problems,
    callers: callersOf(enforced, identities, mesh.trustDomain).map((caller) =>
      accessOf(caller, {
        refusal: refusalOf(caller, { policy, callee }),
        network: networkStanding(caller, { callee, mesh, known }),
        allowed: parts.allow.length === 0 ? 'everything' : grants(parts.allow, caller),
        denied: grants(parts.deny, caller),
        asked: grants(parts.custom, caller),
      }),
    ),
  };
}

/** Why a connection of this caller is refused before any rule counts; "" when it is not. */
function refusalOf(
  { principal = '' }: Caller,
  { policy, callee }: { readonly policy: WorkloadPolicy; readonly callee: Callee },
): string {
  if (policy.problems.length === 0 && (principal !== '' || policy.tlsMode(callee.port).mode !== 'STRICT')) return '';
  return judgeBy(policy, questionFrom(principal, callee)).reason;
}

/** Whether a NetworkPolicy turns "everybody may connect" into "only those named". */
function isolates(resource: Resource, callee: Callee, rootNamespace: string): boolean {
  if (resource.kind !== 'NetworkPolicy' || !resource.spec.policyTypes.includes('Ingress')) return false;
  return selects(resource, callee, rootNamespace);
}

interface NetworkQuestion {
  readonly callee: Callee;
  readonly mesh: MeshFacts;
  readonly known: readonly KnownCaller[];
}

/** What NetworkPolicies of both ends leave of a caller's way; its address is not known. */
function networkStanding(caller: Caller, { callee, mesh, known }: NetworkQuestion): NetworkStanding {
  const { kind, name } = caller;
  if (kind === 'namespace') {
    const out = egressStanding(name, callee, mesh);
    return both(out, ingressStanding({ kind, namespace: name, labels: undefined }, callee, mesh));
  }
  const account = kind === 'identity' ? accountOf(name) : undefined;
  if (account === undefined) return ingressStanding({ kind, namespace: undefined, labels: undefined }, callee, mesh);
  const holders = known.flatMap(({ principal, labels }) =>
    principal === name && labels !== undefined ? [labels] : [],
  );
  // Nobody can choose which holder of an identity calls: each of them must pass.
  return (holders.length > 0 ? holders : [{ app: account.serviceAccount }])
    .map((labels) => holderStanding({ ...account, labels }, { callee, mesh }))
    .reduce(both);
}

function holderStanding(
  holder: WorkloadRef,
  { callee, mesh }: Pick<NetworkQuestion, 'callee' | 'mesh'>,
): NetworkStanding {
  const declared = mesh.resources.find(
    ({ kind, metadata }) => kind === 'Namespace' && metadata.name === callee.namespace,
  );
  const destination = {
    ip: '',
    namespace: callee.namespace,
    labels: callee.labels,
    namespaceLabels: namespaceLabels(callee.namespace, declared?.metadata.labels),
  };
  const out = policyFor(holder, mesh).network.dial(destination, callee.port || DEFAULT_PORT);
  if (out !== undefined) return { kind: 'closed', reason: out.reason };
  return ingressStanding({ kind: 'identity', namespace: holder.namespace, labels: holder.labels }, callee, mesh);
}

const DEFAULT_PORT = 80;

/** Both must let a connection through. */
function both(one: NetworkStanding, other: NetworkStanding): NetworkStanding {
  if (one.kind === 'closed' || other.kind === 'open') return one;
  if (other.kind === 'closed' || one.kind === 'open') return other;
  const conditions = [...new Set([one, other].map((part) => part.conditions.join(' or ')))];
  return { kind: 'some', conditions: [conditions.join(', ')] };
}

function accountOf(principal: string): Pick<WorkloadRef, 'namespace' | 'serviceAccount'> | undefined {
  const [, namespace, serviceAccount] = /^[^/]+\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(principal) ?? [];
  return namespace === undefined || serviceAccount === undefined ? undefined : { namespace, serviceAccount };
}

function questionFrom(principal: string, callee: Callee): Question {
  return { from: principal, to: callee, method: 'GET', path: '/', host: '', headers: {}, sourceIp: '' };
}

interface AccessParts extends Pick<CallerAccess, 'allowed' | 'denied' | 'asked'> {
  readonly refusal: string;
  readonly network: NetworkStanding;
}

function accessOf(caller: Caller, { refusal, network: standing, ...grants }: AccessParts): CallerAccess {
  const { allowed, denied, asked } = grants;
  const nothing = (reason: string): CallerAccess => ({
    caller,
    access: 'NONE',
    allowed: [],
    denied,
    asked,
    network: [],
    reason,
  });
  if (refusal !== '') return nothing(refusal);
  if (standing.kind === 'closed') return nothing(standing.reason);
  const total = denied.find(isUnconditional);
  if (total !== undefined) return nothing(`rules[${total.rule}] of DENY policy ${total.policy} denies everything`);
  if (allowed !== 'everything' && allowed.length === 0) return nothing('no ALLOW rule is about this caller');
  const network = standing.kind === 'some' ? standing.conditions : [];
  const isOpen = allowed === 'everything' || allowed.some(isUnconditional);
  const isWhole = isOpen && denied.length === 0 && asked.length === 0 && network.length === 0;
  return { caller, access: isWhole ? 'ALL' : 'SOME', allowed, denied, asked, network, reason: '' };
}
