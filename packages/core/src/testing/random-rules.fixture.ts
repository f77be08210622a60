import fc from 'fast-check';
import assert from 'node:assert/strict';
import { parseResource, type AuthorizationPolicy } from '../index.ts';

export interface RandomRequest {
  readonly port: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly sourceIp: string;
}

export const WEB = 'cluster.local/ns/shop/sa/web';

const some = (...values: readonly string[]): fc.Arbitrary<string[]> => fc.subarray([...values], { minLength: 1 });
function partOf(fields: Record<string, fc.Arbitrary<string[]>>): fc.Arbitrary<Record<string, string[]>> {
  const names = fc.subarray(Object.keys(fields), { minLength: 1, maxLength: Math.min(3, Object.keys(fields).length) });
  return fc
    .tuple(names, fc.record(fields))
    .map(([chosen, values]) => Object.fromEntries(chosen.map((name) => [name, values[name] ?? []])));
}
const principals = some(WEB, 'cluster.local/ns/web/sa/batch', 'cluster.local/ns/web/*', '*/sa/web', '*');
const namespaces = some('web', 'shop', 'w*', '*');
const ports = some('80', '8080');
const paths = some('/a', '/a/*', '*/b', '/{*}/b', '*');
const methods = some('GET', 'POST', '*T');
const blocks = some('10.0.0.0/8', '10.1.0.0/16', '192.168.0.1');
const anySource = fc.oneof(
  partOf({ principals, notPrincipals: principals, namespaces, notNamespaces: namespaces, ipBlocks: blocks }),
  partOf({ serviceAccounts: some('web', 'web/batch'), notIpBlocks: blocks }),
);
const anyOperation = partOf({ methods, notMethods: methods, paths, notPaths: paths, ports, notPorts: ports });
const anyCondition = fc.oneof(
  principals.map((values) => ({ key: 'source.principal', values })),
  namespaces.map((notValues) => ({ key: 'source.namespace', notValues })),
  some('a', 'a*').map((values) => ({ key: 'request.headers[x-key]', values })),
);
const upTo2 = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(arbitrary, { minLength: 1, maxLength: 2 });
/** A rule near the requests below, so that both sides of every test are met. */
export const anyRule: fc.Arbitrary<Record<string, unknown>> = fc.record(
  {
    from: upTo2(anySource.map((source) => ({ source }))),
    to: upTo2(anyOperation.map((operation) => ({ operation }))),
    when: upTo2(anyCondition),
  },
  { requiredKeys: [] },
);
export const anyRequest: fc.Arbitrary<RandomRequest> = fc.record({
  port: fc.constantFrom(80, 8080),
  method: fc.constantFrom('GET', 'POST', 'PUT'),
  path: fc.constantFrom('/', '/a', '/a/b', '/x/b'),
  headers: fc.constantFrom<Record<string, string>>({}, { 'x-key': 'ab' }),
  sourceIp: fc.constantFrom('10.0.0.1', '10.1.2.3', '192.168.0.1'),
});

/** A policy of namespace shop from its spec as JSON. */
export function policyOf(name: string, spec: object): AuthorizationPolicy {
  const parsed = parseResource({
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name, namespace: 'shop' },
    spec,
  });
  assert.ok(parsed.ok && parsed.value.kind === 'AuthorizationPolicy');
  return parsed.value;
}
