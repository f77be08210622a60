import { RampartError } from '../../errors.ts';
import { principalOf } from '../../identity/principal.ts';
import { parseIpAddress } from '../../policy/match/address/ip-block.ts';
import { normalizePath } from '../../policy/path.ts';
import type { Callee, Question } from '../../policy/question.ts';
import type { Cursor, Reader } from '../../resource/cursor.ts';
import type { FieldPath } from '../../resource/problem.ts';
import { DEFAULT_NAMESPACE } from '../../resource/parse.ts';
import { suggestion } from '../../resource/spelling.ts';
import { parseServiceName, serviceHost } from '../../service-name.ts';
import { readLabels } from './read-workloads.ts';
import type { Expectation, PolicyTestCase, WorkloadsByService } from './suite.ts';

/** What requests are read against. */
export interface CaseContext {
  readonly trustDomain: string;
  /** Undefined when the file lists none: then every service is what its name says. */
  readonly workloads: WorkloadsByService | undefined;
}

/** A case that does not know its place yet. */
export interface DraftCase extends Pick<PolicyTestCase, 'name' | 'questions' | 'expected'> {
  readonly path: FieldPath;
}

interface CaseFields {
  readonly name: string;
  readonly from: readonly string[];
  readonly to: readonly Callee[];
  readonly method: readonly string[];
  readonly path: readonly string[];
  readonly port: number;
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly sourceIp: string;
  readonly remoteIp: string;
  readonly token: Readonly<Record<string, unknown>>;
  readonly expect: Expectation;
}

const PORTS = { min: 1, max: 65_535 };
// RFC 9110 §5.6.2
const METHOD = /^[!#$%&'*+.^_`|~0-9A-Z-]+$/;

/** Reads one test; its lists of callers, services, methods and paths give every combination. */
export function readCase(at: Cursor, context: CaseContext): DraftCase | undefined {
  const fields = at.fields<CaseFields>({
    name: (field) => field.text(),
    from: oneOrMore((field) => readCaller(field, context.trustDomain)),
    to: oneOrMore((field) => readCallee(field, context.workloads)),
    method: oneOrMore((field) =>
      field.checked((text) => (METHOD.test(text) ? undefined : 'must be an HTTP method in upper case, such as GET')),
    ),
    path: oneOrMore((field) => field.checked(pathProblem)),
    port: (field) => field.integer('a port', PORTS),
    host: (field) => field.text(),
    headers: readLabels,
    sourceIp: readAddress,
    remoteIp: readAddress,
    token: readClaims,
    expect: readExpectation,
  });
  if (fields === undefined) return undefined;
  for (const required of ['name', 'to', 'expect'] as const) {
    if (at.child(required).value === undefined) at.error(`has no ${required}: add it`);
  }
  const { name, to, expect } = fields;
  if (name === undefined || to === undefined || expect === undefined) return undefined;
  return { name, expected: expect, path: at.path, questions: combinations(fields, to, context) };
}

function combinations(
  fields: Partial<CaseFields>,
  callees: readonly Callee[],
  context: CaseContext,
): readonly Question[] {
  const { from = [''], method = ['GET'], path = ['/'], port, host = '', headers = {}, token } = fields;
  const lower = Object.entries(headers).map(([name, value]): [string, string] => [name.toLowerCase(), value]);
  const common = {
    host,
    headers: Object.fromEntries(lower),
    sourceIp: fields.sourceIp ?? '',
    ...(fields.remoteIp === undefined ? {} : { remoteIp: fields.remoteIp }),
    ...(token === undefined ? {} : { claims: token }),
  };
  return callees.flatMap((callee) => {
    const to = port === undefined ? callee : { ...callee, port };
    return from.flatMap((caller) =>
      method.flatMap((verb) =>
        path.map((target) => ({
          ...common,
          ...callerLabels(caller, context),
          from: caller,
          to,
          method: verb,
          path: target,
        })),
      ),
    );
  });
}

/** Labels of the workloads that have the caller's identity, for NetworkPolicies. */
function callerLabels(from: string, { workloads, trustDomain }: CaseContext): Pick<Question, 'callerLabels'> {
  const labels = [...(workloads?.values() ?? [])]
    .filter(({ namespace, serviceAccount }) => from === `${trustDomain}/ns/${namespace}/sa/${serviceAccount}`)
    .map((workload) => workload.labels);
  return labels.length === 0 ? {} : { callerLabels: labels };
}

function oneOrMore<T>(read: Reader<T>): Reader<readonly T[]> {
  return (at) => {
    if (Array.isArray(at.value)) {
      const values = at.list(read);
      return at.items()?.length === 0 ? at.error('must not be empty') : values;
    }
    const value = read(at);
    return value === undefined ? undefined : [value];
  };
}

function readCaller(at: Cursor, trustDomain: string): string | undefined {
  const text = at.text('a caller');
  if (text === undefined || text === 'none') return text === undefined ? undefined : '';
  const problem = 'must be namespace/service-account, a SPIFFE ID, or none for a caller without identity';
  if (!text.includes('/')) return at.error(problem);
  try {
    return principalOf(text, trustDomain);
  } catch (error) {
    if (!(error instanceof RampartError)) throw error;
    return at.error(problem);
  }
}

function readCallee(at: Cursor, workloads: WorkloadsByService | undefined): Callee | undefined {
  const text = at.text('a service');
  if (text === undefined) return undefined;
  const service = parseServiceName(text, DEFAULT_NAMESPACE);
  if (service === undefined) return at.error('must name a service: orders or orders.shop');
  const known = workloads?.get(serviceHost(service));
  if (known !== undefined) return known;
  if (workloads !== undefined) {
    const names = [...workloads.values()].map(({ service: { name, namespace } }) => `${name}.${namespace}`);
    return at.error(`is not among the workloads; ${suggestion(`${service.name}.${service.namespace}`, names)}`);
  }
  const { name, namespace } = service;
  return { namespace, serviceAccount: name, labels: { app: name }, service, port: 0 };
}

function pathProblem(text: string): string | undefined {
  const path = normalizePath(text, 'NONE');
  return path.ok ? undefined : path.problem;
}

function readAddress(at: Cursor): string | undefined {
  return at.checked((text) => (parseIpAddress(text) === undefined ? 'must be an IP address' : undefined));
}

function readClaims(at: Cursor): Readonly<Record<string, unknown>> | undefined {
  if (at.keys('an object of claims') === undefined) return undefined;
  if (typeof at.child('iss').value !== 'string') at.error('has no iss: add the issuer of the token');
  return { ...(at.value as Readonly<Record<string, unknown>>) };
}

const DECISIONS = ['ALLOW', 'DENY'] as const;

function readExpectation(at: Cursor): Expectation | undefined {
  if (typeof at.value !== 'object') {
    const decision = at.word(DECISIONS);
    return decision === undefined ? undefined : { decision };
  }
  const fields = at.fields<Expectation>({
    decision: (field) => field.word(DECISIONS),
    policy: (field) => field.text(),
    rule: (field) => field.integer('the index of a rule', { min: -1, max: 511 }),
    reason: (field) => field.text(),
  });
  if (fields?.decision !== undefined) return { ...fields, decision: fields.decision };
  return at.child('decision').value === undefined ? at.error('has no decision: add ALLOW or DENY') : undefined;
}
