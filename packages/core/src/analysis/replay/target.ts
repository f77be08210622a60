import { RampartError } from '../../errors.ts';
import { verdictOf } from '../../policy/authorization/verdicts.ts';
import { judgeBy, policyFor, type Question } from '../../policy/question.ts';
import { selects, type WorkloadRef } from '../../policy/selection.ts';
import type { Verdict } from '../../policy/verdict.ts';
import type { WorkloadPolicy } from '../../policy/workload-policy.ts';
import { type RequestAuthentication, type Resource, resourceKey } from '../../resource/resource.ts';
import type { TokenFacts } from '../../policy/attributes.ts';
import { parseServiceName } from '../../service-name.ts';
import { boundsOf, type PolicyUnknown } from './bounds.ts';
import type { NetworkSide } from './network.ts';
import type { RecordedRequest } from './traffic.ts';

/** What is compared: the set in force, and the one that would be. */
export type Side = 'live' | 'candidate';

/** A verdict that holds whatever a record leaves open; or what it leaves open. */
export type Judgement = { readonly verdict: Verdict } | { readonly unknowns: readonly PolicyUnknown[] };

export interface ComparedSets {
  readonly live: readonly Resource[];
  readonly candidate: readonly Resource[];
  readonly rootNamespace: string;
  readonly trustDomain: string;
  /** Keys of the resources that are the same on both sides. */
  readonly steady: ReadonlySet<string>;
  readonly networks: Readonly<Record<Side, NetworkSide>>;
  /** Whether no network policy differs. */
  readonly isNetworkSteady: boolean;
  /** Labels that the caller with a principal may have; none when they are not known. */
  callerLabelsOf(principal: string): readonly Readonly<Record<string, string>>[];
}

/** The policies of a workload, with everything unknown answered for the request and against it. */
interface BoundPolicies {
  readonly permissive: WorkloadPolicy;
  readonly restrictive: WorkloadPolicy;
  readonly unknowns: readonly PolicyUnknown[];
}

/** A workload that was called, and the resources of both sides that concern it. */
export class Target {
  readonly #workload: WorkloadRef;
  readonly #sets: ComparedSets;
  readonly #inScope: Readonly<Record<Side, readonly Resource[]>>;
  readonly #tokenRules: Readonly<Record<Side, readonly RequestAuthentication[]>>;
  readonly #policies = new Map<string, BoundPolicies>();
  readonly #networks = new Map<string, ReturnType<NetworkSide['judge']>>();

  constructor(workload: WorkloadRef, sets: ComparedSets) {
    this.#workload = workload;
    this.#sets = sets;
    const scope = (side: Side): Resource[] =>
      sets[side].filter(
        (resource) => selects(resource, workload, sets.rootNamespace) || resource.kind === 'MeshConfig',
      );
    this.#inScope = { live: scope('live'), candidate: scope('candidate') };
    this.#tokenRules = {
      live: this.#inScope.live.filter(isTokenRule),
      candidate: this.#inScope.candidate.filter(isTokenRule),
    };
  }

  judge(side: Side, request: RecordedRequest): Judgement {
    const token = this.#tokenOn(side, request);
    const { permissive, restrictive, unknowns } = this.#policiesOf(side, request, token !== undefined);
    const question = questionOf(request, this.#workload, token ?? null);
    const atBest = verdictOn(question, permissive);
    if (atBest.decision === 'DENY') return { verdict: atBest };
    const network = this.#networkOn(side, request, question);
    if (network !== undefined && 'verdict' in network) return { verdict: { ...network.verdict, mode: atBest.mode } };
    if (unknowns.length === 0) return network ?? { verdict: atBest };
    const atWorst = verdictOn(question, restrictive);
    if (atWorst.decision === 'ALLOW') return network ?? { verdict: atWorst };
    return { unknowns: [...unknowns, ...(network?.unknowns ?? [])] };
  }

  /** What network policies have against a call that all others let through; undefined when nothing. */
  #networkOn(side: Side, { isCurrent }: RecordedRequest, question: Question): Judgement | undefined {
    const { networks, isNetworkSteady, callerLabelsOf } = this.#sets;
    // Where the network has not changed since, the request has passed it: it is on record.
    if (isNetworkSteady && isCurrent) return undefined;
    const key = `${side} ${question.from} ${question.to.port}`;
    let judgement = this.#networks.get(key);
    if (judgement === undefined) {
      judgement = networks[side].judge({ question, callerLabels: callerLabelsOf(question.from) });
      this.#networks.set(key, judgement);
    }
    return judgement === 'passes' ? undefined : judgement;
  }

  #policiesOf(side: Side, { isCurrent, decision }: RecordedRequest, tokenPrincipal: boolean): BoundPolicies {
    // What was asked of others on the way to a request that was let in, was answered.
    const isAnswered = isCurrent && decision === 'ALLOW';
    const key = `${side} ${isAnswered} ${tokenPrincipal}`;
    let policies = this.#policies.get(key);
    if (policies === undefined) {
      const { permissive, restrictive, unknowns } = boundsOf(this.#inScope[side], {
        knowledge: { tokenPrincipal },
        isAnswered: (resource) => isAnswered && this.#isSteady(resource),
      });
      const compiled = this.#compile(permissive);
      policies = {
        permissive: compiled,
        restrictive: unknowns.length === 0 ? compiled : this.#compile(restrictive),
        unknowns,
      };
      this.#policies.set(key, policies);
    }
    return policies;
  }

  #compile(resources: readonly Resource[]): WorkloadPolicy {
    const { rootNamespace, trustDomain } = this.#sets;
    return policyFor(this.#workload, { resources, rootNamespace, trustDomain });
  }

  /** The verified token as a side would see it, null for none; undefined when the record does not say. */
  #tokenOn(side: Side, request: RecordedRequest): TokenFacts | null | undefined {
    const { live, candidate } = this.#tokenRules;
    if (this.#tokenRules[side].length === 0) return null;
    const isSame = [...live, ...candidate].every((rule) => this.#isSteady(rule));
    if (!isSame || !request.isCurrent) return undefined;
    if (request.tokenPrincipal === '') return request.decision === 'ALLOW' ? null : undefined;
    return tokenOf(request.tokenPrincipal, this.#tokenRules[side]);
  }

  #isSteady(resource: Resource): boolean {
    return this.#sets.steady.has(resourceKey(resource));
  }
}

/** Port of "ip:port"; 0 when there is none. */
export function portOf(instance: string): number {
  return Number(/:(\d{1,5})$/.exec(instance)?.[1] ?? 0);
}

function isTokenRule(resource: Resource): resource is RequestAuthentication {
  return resource.kind === 'RequestAuthentication';
}

/** Issuer and subject of "iss/sub", by the issuers that are trusted; undefined where it can be read in more than one way. */
function tokenOf(principal: string, rules: readonly RequestAuthentication[]): TokenFacts | undefined {
  const issuers = new Set(rules.flatMap(({ spec }) => spec.jwtRules.map((rule) => rule.issuer)));
  const [issuer, ...others] = [...issuers].filter((each) => principal.startsWith(`${each}/`));
  if (issuer === undefined || others.length > 0) return undefined;
  const subject = principal.slice(issuer.length + 1);
  return { principal, issuer, subject, claims: { iss: issuer, sub: subject }, spaceDelimitedClaims: [] };
}

function questionOf(request: RecordedRequest, workload: WorkloadRef, token: TokenFacts | null): Question {
  const { service, instance, method, path, authority, userAgent, source } = request;
  const { namespace, serviceAccount } = workload;
  return {
    from: source,
    to: {
      ...workload,
      service: parseServiceName(service, namespace) ?? { name: serviceAccount, namespace },
      port: portOf(instance),
    },
    method,
    path,
    host: authority,
    headers: {
      host: authority,
      ':authority': authority,
      ':method': method,
      ...(userAgent === '' ? {} : { 'user-agent': userAgent }),
    },
    sourceIp: '',
    ...(token === null ? {} : { token }),
  };
}

/** A path that no data plane takes is refused, whatever the policies are. */
function verdictOn(question: Question, policy: WorkloadPolicy): Verdict {
  try {
    return judgeBy(policy, question);
  } catch (error) {
    if (!(error instanceof RampartError) || error.code !== 'INVALID_ARGUMENT') throw error;
    return verdictOf({ decision: 'DENY', policy: '', rule: -1, action: '', reason: error.message, mode: '' });
  }
}
