import { isIP } from 'node:net';
import {
  compileWorkloadPolicy,
  normalizePath,
  parseServiceName,
  pathOf,
  RampartError,
  type RequestAttributes,
  serviceHost,
  type ServiceName,
  SpiffeId,
  TrustDomain,
  type Verdict,
  type WorkloadPolicy,
  type WorkloadRef,
} from '@rampart/core';
import type { CheckAuthorizationRequest, TlsCheck } from '@rampart/wire';
import { type TargetWorkload, targetWorkloads } from '../../../resources/target-workloads.ts';
import { type AdminMethods, type AdminParts, operatorOf } from './admin-parts.ts';

const DEFAULT_NAMESPACE = 'default';
const DEFAULT_PORT = 80;
const LOOPBACK = '127.0.0.1';

/** What the policies in force would say. */
export function createPolicyMethods(parts: AdminParts): AdminMethods<'checkAuthorization' | 'checkTls'> {
  const policyOf = (workload: WorkloadRef): WorkloadPolicy =>
    compileWorkloadPolicy({
      workload,
      resources: parts.resources.all().map(({ resource }) => resource),
      rootNamespace: parts.rootNamespace,
      trustDomain: parts.trustDomain,
    });
  return {
    checkAuthorization: (request, context) => {
      operatorOf(context);
      const name = serviceNameOf(request.to);
      const verdicts = targetWorkloads(name, parts.registry.lookup(name)).map((target) =>
        judge(policyOf(target.workload), target, {
          request,
          name,
          principal: principalOf(request.from, parts.trustDomain),
        }),
      );
      // A caller cannot choose the instance: what any of them denies is denied.
      const verdict = verdicts.find(({ decision }) => decision === 'DENY') ?? verdicts[0];
      if (verdict === undefined) {
        throw new RampartError('INTERNAL', 'BUG: a service without a workload');
      }
      return { decision: verdict.decision, verdictJson: verdictJson(verdict) };
    },
    checkTls: ({ service }, context) => {
      operatorOf(context);
      const names = service === '' ? parts.registry.services() : [serviceNameOf(service)];
      return {
        checks: names.flatMap((name) =>
          targetWorkloads(name, parts.registry.lookup(name)).map((target) =>
            tlsCheck(name, target, policyOf(target.workload)),
          ),
        ),
      };
    },
  };
}

interface Question {
  readonly request: CheckAuthorizationRequest;
  readonly name: ServiceName;
  readonly principal: string | undefined;
}

function judge(policy: WorkloadPolicy, target: TargetWorkload, { request, name, principal }: Question): Verdict {
  const port = request.port !== 0 ? request.port : target.port !== 0 ? target.port : DEFAULT_PORT;
  if (request.sourceIp !== '' && isIP(request.sourceIp) === 0) {
    throw new RampartError('INVALID_ARGUMENT', 'source_ip is not an IP address');
  }
  const connection = policy.forConnection({
    principal,
    sourceIp: request.sourceIp === '' ? LOOPBACK : request.sourceIp,
    destinationIp: LOOPBACK,
    destinationPort: port,
    sni: principal === undefined ? '' : serviceHost(name),
  });
  return connection.evaluate(attributesOf(request, request.sourceIp === '' ? LOOPBACK : request.sourceIp));
}

function attributesOf(request: CheckAuthorizationRequest, remoteIp: string): RequestAttributes {
  const path = normalizePath(pathOf(request.path === '' ? '/' : request.path));
  if (!path.ok) {
    throw new RampartError('INVALID_ARGUMENT', `path: ${path.problem}`);
  }
  const headers = new Map(Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]));
  return {
    method: request.method === '' ? 'GET' : request.method.toUpperCase(),
    path: path.value,
    host: request.host === '' ? request.to : request.host,
    token: undefined,
    remoteIp,
    header: (name) => headers.get(name),
  };
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

/** "spiffe://td/ns/x/sa/y", "td/ns/x/sa/y", "x/y", or "" for a caller without identity. */
function principalOf(from: string, trustDomain: string): string | undefined {
  if (from === '') {
    return undefined;
  }
  const parts = from.split('/');
  const [namespace, serviceAccount] = parts;
  if (parts.length === 2 && namespace !== undefined && serviceAccount !== undefined) {
    return SpiffeId.forWorkload(TrustDomain.of(trustDomain), namespace, serviceAccount).principal;
  }
  return SpiffeId.of(from.startsWith('spiffe://') ? from : `spiffe://${from}`).principal;
}
