import { RampartError } from '../errors.ts';
import type { Resource } from '../resource/resource.ts';
import { serviceHost, type ServiceName } from '../service-name.ts';
import type { RequestAttributes, TokenFacts } from './attributes.ts';
import { clientAddress } from './client-address.ts';
import type { PolicyFeature } from './features.ts';
import { judgeNetwork } from './network/question.ts';
import { normalizePath, pathOf } from './path.ts';
import { verdictOf } from './authorization/verdicts.ts';
import type { WorkloadRef } from './selection.ts';
import type { TokenClaims } from './token/claims.ts';
import { endUserOf } from './token/end-user.ts';
import { serviceTokenRefusal } from './token/service-token.ts';
import type { Verdict } from './verdict.ts';
import { compileWorkloadPolicy, standing, type WorkloadPolicy } from './workload-policy.ts';

/** The workload that a question is about, as its caller addresses it. */
export interface Callee extends WorkloadRef {
  readonly service: ServiceName;
  /** Port the workload listens on; 80 where 0. */
  readonly port: number;
}

/** A request that nobody need have sent. */
export interface Question {
  /** Identity of the caller without its scheme ("cluster.local/ns/web/sa/frontend"); "" for plaintext. */
  readonly from: string;
  /** Labels of each holder of that identity, for NetworkPolicies; `app: <service account>` where absent. */
  readonly callerLabels?: readonly Readonly<Record<string, string>>[];
  readonly to: Callee;
  readonly method: string;
  /** As it would be received, query included. */
  readonly path: string;
  /** Authority; that of the service where "". */
  readonly host: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Address of the caller; loopback where "". */
  readonly sourceIp: string;
  /** Address of the client; what trusted proxies say in X-Forwarded-For where absent. */
  readonly remoteIp?: string;
  /** What was verified of an end user's token. */
  readonly token?: TokenFacts;
  /** In place of `token`: claims of the token that is sent, of an end user or a service, taken for genuine; absent when none is. */
  readonly claims?: TokenClaims;
  /** Time at which the token is judged, Unix milliseconds; its validity in time is not asked where absent. */
  readonly now?: number;
}

/** Everything that decides: what was applied, and the names of the mesh. */
export interface MeshFacts {
  readonly resources: readonly Resource[];
  readonly rootNamespace: string;
  readonly trustDomain: string;
  /** What the called data plane can do; that of the in-process one where absent. */
  readonly capabilities?: readonly PolicyFeature[];
}

const DEFAULT_PORT = 80;
const LOOPBACK = '127.0.0.1';
/** Stands for an id that nobody knows before the request is made. */
const UNKNOWN_ID = '0'.repeat(32);

/** What data planes with exactly these resources would decide, NetworkPolicies of both ends included; throws INVALID_ARGUMENT for a path that no data plane takes. */
export function judgeQuestion(question: Question, mesh: MeshFacts): Verdict {
  return judgeCall(policyFor(question.to, mesh), question, mesh);
}

/** Like `judgeQuestion`, by the callee's policies compiled already: all that `judgeBy` knows, ServiceTokenPolicies and NetworkPolicies. */
export function judgeCall(policy: WorkloadPolicy, question: Question, mesh: MeshFacts): Verdict {
  const verdict = judgeBy(policy, question);
  const isRefused = verdict.decision === 'DENY' && verdict.action === '';
  const { claims, now } = question;
  const request = requestOf(question, policy, undefined);
  const refusedToken = isRefused ? undefined : serviceTokenRefusal(claims, policy.serviceTokens, { request, now });
  if (refusedToken !== undefined) {
    const { policy: name, failure } = refusedToken;
    const reason = `${failure.status}, ${failure.reason}`;
    return standing(refusedBefore({ policy: name, reason }, verdict.mode), policy);
  }
  if (verdict.decision === 'DENY') return verdict;
  const to = { ...question.to, port: question.to.port || DEFAULT_PORT };
  const refused = judgeNetwork({ ...question, to, sourceIp: question.sourceIp || LOOPBACK }, mesh);
  return refused === undefined ? verdict : standing({ ...refused, mode: verdict.mode }, policy);
}

/** The policies of one workload, to ask many questions of. */
export function policyFor(workload: WorkloadRef, mesh: MeshFacts): WorkloadPolicy {
  return compileWorkloadPolicy({ ...mesh, workload });
}

/**
 * Like `judgeQuestion`, by policies that are compiled already, without ServiceTokenPolicies and NetworkPolicies. Nobody calls an external authorizer: where one would be
 * asked, the verdict is that of all other policies, and says so.
 */
export function judgeBy(policy: WorkloadPolicy, question: Question): Verdict {
  const { to, from } = question;
  const connection = policy.forConnection({
    principal: from === '' ? undefined : from,
    sourceIp: question.sourceIp || LOOPBACK,
    destinationIp: LOOPBACK,
    destinationPort: to.port || DEFAULT_PORT,
    sni: from === '' ? '' : serviceHost(to.service),
  });
  const refused = connection.admitTransport();
  if (refused !== undefined) return refused;
  const { claims, now, token } = question;
  const user = claims === undefined ? { token } : endUserOf(claims, policy, now);
  const request = requestOf(question, policy, 'token' in user ? user.token : undefined);
  if ('refused' in user) {
    const reason = `401, RequestAuthentication: ${user.refused}`;
    return standing(refusedBefore({ policy: '', reason }, connection.evaluate(request).mode), policy);
  }
  const demand = connection.demand(request);
  if (demand?.kind === 'deny') return standing(demand.verdict, policy);
  const verdict = connection.evaluate(request);
  if (demand === undefined || verdict.decision === 'DENY') return verdict;
  const asked = `if authorizer ${demand.provider.name} allows it (rules[${demand.rule}] of CUSTOM policy ${demand.policy})`;
  return { ...verdict, reason: `${verdict.reason}, ${asked}` };
}

/** The verdict on a request that AuthorizationPolicies are not asked about. */
function refusedBefore(
  { policy, reason }: { readonly policy: string; readonly reason: string },
  mode: string,
): Verdict {
  return verdictOf({ decision: 'DENY', policy, rule: -1, action: '', reason, mode });
}

function requestOf(question: Question, { settings }: WorkloadPolicy, token: TokenFacts | undefined): RequestAttributes {
  const { to, headers } = question;
  const peer = question.sourceIp || LOOPBACK;
  const target = normalizePath(question.path, settings.pathNormalization);
  if (!target.ok) {
    throw new RampartError(
      'INVALID_ARGUMENT',
      `path ${JSON.stringify(question.path)} is refused by every data plane: ${target.problem}`,
    );
  }
  return {
    method: question.method,
    path: pathOf(target.value),
    host: question.host || `${to.service.name}.${to.service.namespace}`,
    token,
    remoteIp: question.remoteIp ?? clientAddress(headers['x-forwarded-for'], settings.numTrustedProxies, peer),
    header: (name) => (name === ':path' ? target.value : headerOf(name, question)),
  };
}

/** A header as policies see it: the data plane says itself who calls, and gives an id to requests that have none. */
function headerOf(name: string, { from, to, headers }: Question): string | undefined {
  if (name === 'x-forwarded-client-cert') {
    const [trustDomain = ''] = from.split('/', 1);
    const own = `spiffe://${trustDomain}/ns/${to.namespace}/sa/${to.serviceAccount}`;
    return from === '' ? undefined : `By=${own};URI=spiffe://${from}`;
  }
  if (Object.hasOwn(headers, name)) return headers[name];
  return name === 'x-request-id' ? UNKNOWN_ID : undefined;
}
