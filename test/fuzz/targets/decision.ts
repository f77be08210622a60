import assert from 'node:assert/strict';

import {
  compileWorkloadPolicy,
  isDryRun,
  matchesLabels,
  parseResource,
  requiredFeatures,
  type AuthorizationPolicy,
  type Resource,
  type Verdict,
} from '@rampart/core';

import { textOf, type FuzzTarget } from '../engine/target.ts';
import { callOf, type OracleCall } from '../oracle/call.ts';
import { decide, decideTcp } from '../oracle/decide.ts';
import { Unsettled } from '../oracle/text.ts';
import { decisionSeeds } from './decision-seeds.ts';
import { POLICY_WORDS } from './policy-seeds.ts';

const WORKLOAD = { namespace: 'shop', serviceAccount: 'orders', labels: { app: 'orders', tier: 'api' } };
const ROOT_NAMESPACE = 'istio-system';
const NAMES = ['cluster.local', 'old.example'];

/** Any policies, any request: a verdict each time, the one that a plain reading gives. */
export const decision: FuzzTarget = {
  name: 'decision',
  form: 'json',
  seeds: decisionSeeds(),
  words: [
    ...POLICY_WORDS,
    'policies',
    'calls',
    'principal',
    'path',
    'host',
    'method',
    'headers',
    'x-key',
    'token',
    'claims',
    'issuer',
    'subject',
    'remoteIp',
    'sourceIp',
    'old.example',
    'old.example/ns/web/sa/frontend',
    '/a/',
    '/a//b',
    'https://issuer/sub',
    'https://issuer/*',
    '*/sub',
    'scope',
    'aud',
    'ORDERS-API',
    'request.auth.claims[scope]',
  ],
  run: (input) => {
    const { policies, calls: given } = read(textOf(input));
    const resources = policies.flatMap(resourceOf);
    const compiled = compile(resources);
    const reversed = compile(resources.toReversed());
    const about = resources.filter(isAbout);
    const outcomes = new Set<string>();
    for (const call of given.slice(0, 16).map(callOf)) {
      const verdicts = judge(compiled, call);
      assert.deepEqual(judge(reversed, call), verdicts, 'the order of policies has a part in the verdict');
      const expected =
        compiled.problems.length > 0 ? (['DENY', 'DENY', ''] as const) : expectation(about, call, compiled);
      if (expected === undefined) continue;
      const { http, tcp } = verdicts;
      assert.deepEqual(
        [http.decision, tcp.decision, http.dryRunDecision],
        expected,
        `another decision\n${JSON.stringify({ call, verdicts })}`,
      );
      outcomes.add(`${http.decision} ${http.action} ${tcp.decision} ${http.dryRunDecision}`);
    }
    return `${[...outcomes].toSorted().join(', ')} ${Math.min(about.length, 3)} ${compiled.problems.length > 0 ? 'refused' : ''}`;
  },
};

type Decision = Verdict['decision'];
type Compiled = ReturnType<typeof compile>;

function compile(resources: readonly Resource[]): ReturnType<typeof compileWorkloadPolicy> {
  const [trustDomain = '', ...trustDomainAliases] = NAMES;
  const capabilities = [...new Set(resources.flatMap(requiredFeatures).map(({ feature }) => feature))];
  return compileWorkloadPolicy({
    workload: WORKLOAD,
    resources,
    rootNamespace: ROOT_NAMESPACE,
    trustDomain,
    trustDomainAliases,
    capabilities,
  });
}

function judge(
  compiled: Compiled,
  { connection, request }: OracleCall,
): { readonly http: Verdict; readonly tcp: Verdict } {
  const policed = compiled.forConnection(connection);
  const http = policed.evaluate(request);
  policed.demand(request);
  for (const verdict of [http, policed.evaluateTcp()]) {
    assert.ok(verdict.decision === 'ALLOW' || verdict.decision === 'DENY');
    assert.match(verdict.reason, /^[^\n\r\u2028\u2029]+$/, 'a reason is one line');
  }
  const refused = policed.admit();
  if (refused !== undefined)
    assert.equal(http.decision, 'DENY', 'a request is allowed on a connection that is refused');
  return { http, tcp: policed.evaluateTcp() };
}

function expectation(
  policies: readonly AuthorizationPolicy[],
  call: OracleCall,
  compiled: Compiled,
): readonly [http: Decision, tcp: Decision, dryRun: Decision | ''] | undefined {
  const { principal, destinationPort } = call.connection;
  if (principal === undefined && compiled.tlsMode(destinationPort).mode === 'STRICT') return ['DENY', 'DENY', ''];
  try {
    const ground = { call, names: NAMES };
    const dryRun = policies.some(isDryRun) ? decide(policies, { ...ground, dryRunToo: true }) : '';
    return [decide(policies, ground), decideTcp(policies, ground), dryRun];
  } catch (cause) {
    if (cause instanceof Unsettled) return undefined;
    throw cause;
  }
}

function isAbout(resource: Resource): resource is AuthorizationPolicy {
  if (resource.kind !== 'AuthorizationPolicy') return false;
  const { metadata, spec } = resource;
  const isNear = metadata.namespace === ROOT_NAMESPACE || metadata.namespace === WORKLOAD.namespace;
  return isNear && spec.targetRefs === undefined && matchesLabels(spec.selector?.matchLabels, WORKLOAD.labels);
}

/** Names are made different: two resources of one name cannot be. */
function resourceOf(json: unknown, index: number): Resource[] {
  if (typeof json !== 'object' || json === null) return [];
  const metadata = (json as { readonly metadata?: unknown }).metadata;
  const named = typeof metadata === 'object' && metadata !== null ? { ...metadata, name: `policy-${index}` } : metadata;
  const parsed = parseResource({ ...json, metadata: named });
  return parsed.ok ? [parsed.value] : [];
}

function read(text: string): { readonly policies: readonly unknown[]; readonly calls: readonly unknown[] } {
  const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
  try {
    const json = JSON.parse(text) as { readonly policies?: unknown; readonly calls?: unknown } | null;
    return { policies: list(json?.policies), calls: list(json?.calls) };
  } catch {
    return { policies: [], calls: [] };
  }
}
