import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseResource, toJson } from '../../index.ts';
import { parseIdentityPattern } from './identity-pattern.ts';

const ID = 'spiffe://cluster/ns/prod/sa/payment';

const PATTERNS: readonly (readonly [pattern: string, text: string, matches: boolean])[] = [
  [ID, ID, true],
  [ID, `${ID}-2`, false],
  ['spiffe://cluster/ns/prod/sa/*', ID, true],
  ['spiffe://cluster/ns/prod/sa/pay*', ID, true],
  ['spiffe://cluster/ns/*/sa/payment', ID, true],
  ['spiffe://cluster/ns/*/sa/payment', 'spiffe://cluster/ns/a/sa/b/sa/payment', false],
  ['spiffe://cluster/ns/prod/*', ID, false],
  ['spiffe://cluster/ns/prod/**', ID, true],
  ['spiffe://cluster/ns/prod/**', 'spiffe://cluster/ns/prod', false],
  ['spiffe://cluster/ns/production/**', ID, false],
  ['spiffe://*/ns/prod/sa/payment', ID, true],
  ['spiffe://*/ns/prod/sa/payment', 'spiffe://other/ns/prod/sa/payment', true],
  ['spiffe://cluster/**', ID, true],
  ['spiffe://cluster/**', 'spiffe://cluster.evil/ns/prod/sa/payment', false],
  ['token:ci-*', 'ci-deploy', true],
  ['ci', 'ci', true],
  ['team:ops', 'ops', true],
  ['team:ops', 'ops2', false],
];

describe('the pattern of an identity', () => {
  for (const [pattern, text, matches] of PATTERNS) {
    it(`${pattern} ${matches ? 'matches' : 'does not match'} ${text}`, () => {
      const parsed = parseIdentityPattern(pattern);
      assert.ok(parsed.ok && 'matches' in parsed.value);
      assert.equal(parsed.value.matches(text), matches);
    });
  }

  for (const text of [
    '',
    'spiffe:',
    'spiffe://',
    'spiffe://Cluster/a',
    'spiffe://a//b',
    'team:',
    'a b',
    'role:x',
    'a/b',
    '*'.repeat(17),
  ]) {
    it(`is not ${JSON.stringify(text)}`, () => assert.equal(parseIdentityPattern(text).ok, false));
  }
});

const settings = (spec: unknown): unknown => ({
  apiVersion: 'rampart.dev/v1',
  kind: 'RegistrySettings',
  metadata: { name: 'default' },
  spec,
});

describe('the settings of the registry', () => {
  it('read back what was written', () => {
    const read = parseResource(
      settings({
        defaultPolicy: 'deny',
        anonymous: true,
        namespaceIsolation: false,
        identityPatterns: [{ service: 'pay*', pattern: 'spiffe://*/ns/{namespace}/sa/{service}' }],
        networks: [{ service: '*', namespace: 'prod', cidrs: ['10.0.0.0/8', '::ffff:192.0.2.0/120', '2001:db8::/32'] }],
        approval: 'new-services',
        limits: { registrations: { perSecond: 10 }, authenticationFailures: { perMinute: 100, blockSeconds: 300 } },
        anomalies: { registrationsPerHour: 100 },
      }),
    );
    assert.ok(read.ok);
    const again = parseResource(JSON.parse(toJson(read.value)));
    assert.deepEqual(again.ok && again.value, read.value);
  });

  for (const [fact, spec, field] of [
    ['a policy that is none', { defaultPolicy: 'maybe' }, 'spec.defaultPolicy'],
    ['a network that is none', { networks: [{ service: 'a', cidrs: ['10.0.0.0/33'] }] }, 'spec.networks[0].cidrs[0]'],
    ['agents that are none', { agentNetworks: [{ agent: 'team:ops', cidrs: [] }] }, 'spec.agentNetworks[0].agent'],
    [
      'a network of agents that is none',
      { agentNetworks: [{ agent: 'spiffe://*/agent/**', cidrs: ['10.0.0.0/33'] }] },
      'spec.agentNetworks[0].cidrs[0]',
    ],
    ['networks of nothing', { networks: [{ cidrs: [] }] }, 'spec.networks[0]'],
    [
      'a placeholder that is none',
      { identityPatterns: [{ service: 'a', pattern: 'token:{name}' }] },
      'spec.identityPatterns[0].pattern',
    ],
    [
      'a service in capitals',
      { identityPatterns: [{ service: 'A', pattern: '*' }] },
      'spec.identityPatterns[0].service',
    ],
    ['no rate', { limits: { queries: { burst: 2 } } }, 'spec.limits.queries'],
    [
      'a block without end',
      { limits: { authenticationFailures: { perMinute: 1 } } },
      'spec.limits.authenticationFailures',
    ],
    ['an approval that is none', { approval: 'all' }, 'spec.approval'],
  ] as const) {
    it(`are refused with ${fact}`, () => {
      const read = parseResource(settings(spec));
      assert.equal(read.ok, false);
      assert.ok(
        read.problem.some((problem) => problem.field === field),
        JSON.stringify(read.problem),
      );
    });
  }
});
