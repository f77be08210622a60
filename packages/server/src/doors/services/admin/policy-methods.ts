import { isIP } from 'node:net';
import {
  judgeQuestion,
  type MeshFacts,
  parseServiceName,
  policyFor,
  principalOf,
  type Question,
  RampartError,
  type ServiceName,
  type Verdict,
  type WorkloadPolicy,
} from '@rampart/core';
import type { CheckAuthorizationRequest, TlsCheck } from '@rampart/wire';
import { type TargetWorkload, targetWorkloads } from '../../../resources/target-workloads.ts';
import { type AdminMethods, type AdminParts, operatorOf } from './admin-parts.ts';

const DEFAULT_NAMESPACE = 'default';

/** What the policies in force would say. */
export function createPolicyMethods(parts: AdminParts): AdminMethods<'checkAuthorization' | 'checkTls'> {
  const mesh = (): MeshFacts => ({
    resources: parts.resources.all().map(({ resource }) => resource),
    rootNamespace: parts.rootNamespace,
    trustDomain: parts.trustDomain,
  });
  return {
    checkAuthorization: (request, context) => {
      operatorOf(context);
      const name = serviceNameOf(request.to);
      const from = principalOf(request.from, parts.trustDomain);
      const callerLabels = parts.directory.get(`spiffe://${from}`)?.variants.map(({ labels }) => labels);
      const token = tokenOf(request, parts.clock.now());
      const asked = { request, name, mesh: mesh(), caller: { from, ...(callerLabels && { callerLabels }), ...token } };
      const verdicts = targetWorkloads(name, parts.registry.lookup(name)).map((target) => judge(target, asked));
      // A caller cannot choose the instance: what any of them denies is denied.
      const verdict = verdicts.find(({ decision }) => decision === 'DENY') ?? verdicts[0];
      if (verdict === undefined) {
        throw new RampartError('INTERNAL', 'BUG: a service without a workload');
      }
      return { decision: verdict.decision, verdictJson: verdictJson(verdict) };
    },
    checkTls: ({ service }, context) => {
      operatorOf(context);
      const facts = mesh();
      const names = service === '' ? parts.registry.services() : [serviceNameOf(service)];
      return {
        checks: names.flatMap((name) =>
          targetWorkloads(name, parts.registry.lookup(name)).map((target) =>
            tlsCheck(name, target, policyFor(target.workload, facts)),
          ),
        ),
      };
    },
  };
}

interface Asked {
  readonly request: CheckAuthorizationRequest;
  readonly name: ServiceName;
  readonly mesh: MeshFacts;
  readonly caller: Pick<Question, 'from' | 'callerLabels' | 'claims' | 'now'>;
}

function judge(target: TargetWorkload, { request, name, mesh, caller }: Asked): Verdict {
  if (request.sourceIp !== '' && isIP(request.sourceIp) === 0) {
    throw new RampartError('INVALID_ARGUMENT', 'source_ip is not an IP address');
  }
  const headers = Object.entries(request.headers).map(([header, value]): [string, string] => [
    header.toLowerCase(),
    value,
  ]);
  const question: Question = {
    ...caller,
    to: { ...target.workload, service: name, port: request.port === 0 ? target.port : request.port },
    method: request.method === '' ? 'GET' : request.method.toUpperCase(),
    path: request.path === '' ? '/' : request.path,
    host: request.host,
    headers: Object.fromEntries(headers),
    sourceIp: request.sourceIp,
  };
  return judgeQuestion(question, mesh);
}

const MOST_CLAIMS = 65_536;

function tokenOf({ claimsJson }: CheckAuthorizationRequest, now: number): Pick<Question, 'claims' | 'now'> {
  if (claimsJson === '') return {};
  const claims = claimsJson.length > MOST_CLAIMS ? undefined : parsedObject(claimsJson);
  if (claims === undefined) {
    throw new RampartError('INVALID_ARGUMENT', `claims_json is not a JSON object of at most ${MOST_CLAIMS} characters`);
  }
  return { claims, now };
}

function parsedObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** The form of a verdict is a contract: these fields, in this order. */
function verdictJson({ decision, policy, rule, action, reason, audit, dryRun, dryRunDecision, mode }: Verdict): string {
  return JSON.stringify({ decision, policy, rule, action, reason, audit, dryRun, dryRunDecision, mode });
}

function tlsCheck(
  { name, namespace }: ServiceName,
  { port, instances }: TargetWorkload,
  policy: WorkloadPolicy,
): Omit<TlsCheck, '$typeName' | '$unknown'> {
  const effective = policy.tlsMode(port);
  return { service: name, namespace, port, mode: effective.mode, policy: effective.policy, instances };
}

function serviceNameOf(text: string): ServiceName {
  const name = parseServiceName(text, DEFAULT_NAMESPACE);
  if (name === undefined) {
    throw new RampartError(
      'INVALID_ARGUMENT',
      `${JSON.stringify(text)} does not name a service; write orders-api or orders-api.default`,
    );
  }
  return name;
}
