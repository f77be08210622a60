import { isDryRun } from '../resource/dry-run.ts';
import { qualifiedName, type AuthorizationPolicy, type Resource } from '../resource/resource.ts';
import { judgeNetwork } from '../policy/network/question.ts';
import { judgeBy, policyFor, type Callee, type MeshFacts, type Question } from '../policy/question.ts';
import { byAge, selects } from '../policy/selection.ts';
import type { TlsMode } from '../policy/tls-mode.ts';
import type { WorkloadPolicy } from '../policy/workload-policy.ts';
import { callersOf, type Caller } from './access/callers.ts';
import { grantsOf, isUnconditional, type Grant } from './access/grant.ts';

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
        refusal: refusalOf(caller, { policy, callee }) || networkRefusal(caller, { callee, mesh, known }),
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

/** Why NetworkPolicies keep an identity out; "" when they do not, and for callers whose labels nobody knows. */
function networkRefusal({ kind, name }: Caller, { callee, mesh, known }: NetworkQuestion): string {
  if (kind !== 'identity') return '';
  const holders = known.filter(({ principal, labels }) => principal === name && labels !== undefined);
  const callerLabels = holders.flatMap(({ labels }) => (labels === undefined ? [] : [labels]));
  const question = {
    ...questionFrom(name, callee),
    sourceIp: '127.0.0.1',
    ...(holders.length > 0 ? { callerLabels } : {}),
  };
  return judgeNetwork(question, mesh)?.reason ?? '';
}

function questionFrom(principal: string, callee: Callee): Question {
  return { from: principal, to: callee, method: 'GET', path: '/', host: '', headers: {}, sourceIp: '' };
}

interface AccessParts extends Pick<CallerAccess, 'allowed' | 'denied' | 'asked'> {
  readonly refusal: string;
}

function accessOf(caller: Caller, { refusal, allowed, denied, asked }: AccessParts): CallerAccess {
  const nothing = (reason: string): CallerAccess => ({ caller, access: 'NONE', allowed: [], denied, asked, reason });
  if (refusal !== '') return nothing(refusal);
  const total = denied.find(isUnconditional);
  if (total !== undefined) return nothing(`rules[${total.rule}] of DENY policy ${total.policy} denies everything`);
  if (allowed !== 'everything' && allowed.length === 0) return nothing('no ALLOW rule is about this caller');
  const isOpen = allowed === 'everything' || allowed.some(isUnconditional);
  const access = isOpen && denied.length === 0 && asked.length === 0 ? 'ALL' : 'SOME';
  return { caller, access, allowed, denied, asked, reason: '' };
}
