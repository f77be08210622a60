import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, judgeTcp } from '../../testing/calls.ts';
import { peerAuthenticationOf, policyOf } from '../../testing/documents.ts';
import type { Resource, Verdict } from '../../index.ts';

const get = '- to: [{operation: {methods: [GET]}}]';
const post = '- to: [{operation: {methods: [POST]}}]';
const tried = { dryRun: true } as const;

const cases: readonly [
  fact: string,
  resources: readonly Resource[],
  expected: Pick<Verdict, 'decision' | 'audit' | 'dryRun' | 'dryRunDecision'>,
][] = [
  [
    'AUDIT policies that match are named',
    [policyOf(get, { action: 'AUDIT', name: 'a' }), policyOf(post, { action: 'AUDIT', name: 'b' })],
    { decision: 'ALLOW', audit: ['shop/a'], dryRun: [], dryRunDecision: '' },
  ],
  [
    'AUDIT policies are named on a denial too',
    [policyOf(get, { action: 'AUDIT', name: 'a' }), policyOf(post)],
    { decision: 'DENY', audit: ['shop/a'], dryRun: [], dryRunDecision: '' },
  ],
  [
    'a dry run of DENY that matches would deny',
    [policyOf(get, { ...tried, action: 'DENY' })],
    { decision: 'ALLOW', audit: [], dryRun: [{ policy: 'shop/policy', would: 'DENY' }], dryRunDecision: 'DENY' },
  ],
  [
    'a dry run of DENY that does not match says nothing',
    [policyOf(post, { ...tried, action: 'DENY' })],
    { decision: 'ALLOW', audit: [], dryRun: [], dryRunDecision: 'ALLOW' },
  ],
  [
    'a dry run of ALLOW that matches would allow',
    [policyOf(get, { ...tried, name: 'b' }), policyOf(post, { name: 'a' })],
    { decision: 'DENY', audit: [], dryRun: [{ policy: 'shop/b', would: 'ALLOW' }], dryRunDecision: 'ALLOW' },
  ],
  [
    'a dry run of ALLOW alone would deny what it does not match',
    [policyOf(post, tried)],
    { decision: 'ALLOW', audit: [], dryRun: [{ policy: 'shop/policy', would: 'DENY' }], dryRunDecision: 'DENY' },
  ],
  [
    'a dry run of ALLOW would deny nothing that another one allows',
    [policyOf(post, { ...tried, name: 'a' }), policyOf(get, { ...tried, name: 'b' })],
    { decision: 'ALLOW', audit: [], dryRun: [{ policy: 'shop/b', would: 'ALLOW' }], dryRunDecision: 'ALLOW' },
  ],
  [
    'a dry run of ALLOW would deny nothing that an enforced policy allows',
    [policyOf(post, { ...tried, name: 'a' }), policyOf(get, { name: 'b' })],
    { decision: 'ALLOW', audit: [], dryRun: [], dryRunDecision: 'ALLOW' },
  ],
  [
    'a dry run without rules would deny everything',
    [policyOf(undefined, tried)],
    { decision: 'ALLOW', audit: [], dryRun: [{ policy: 'shop/policy', would: 'DENY' }], dryRunDecision: 'DENY' },
  ],
];

for (const [fact, resources, expected] of cases) {
  test(fact, () => {
    const { decision, audit, dryRun, dryRunDecision } = judge(resources, {});
    assert.deepEqual({ decision, audit, dryRun, dryRunDecision }, expected);
  });
}

/** The one verdict of all policies together, were those that are tried out enforced too. */
const combined: readonly [fact: string, resources: readonly Resource[], expected: Verdict['dryRunDecision']][] = [
  ['nothing is tried out', [policyOf(get)], ''],
  [
    'a tried DENY denies what an enforced ALLOW allows',
    [policyOf(get, { name: 'a' }), policyOf(get, { ...tried, name: 'b', action: 'DENY' })],
    'DENY',
  ],
  [
    'a tried ALLOW does not undo an enforced DENY',
    [policyOf(get, { name: 'a', action: 'DENY' }), policyOf(get, { ...tried, name: 'b' })],
    'DENY',
  ],
  [
    'a tried DENY goes before a tried ALLOW',
    [policyOf(get, { ...tried, name: 'a' }), policyOf(get, { ...tried, name: 'b', action: 'DENY' })],
    'DENY',
  ],
  [
    'a tried DENY that does not match leaves a tried ALLOW standing',
    [policyOf(get, { ...tried, name: 'a' }), policyOf(post, { ...tried, name: 'b', action: 'DENY' })],
    'ALLOW',
  ],
  [
    'a tried ALLOW that does not match denies by default, whatever a tried DENY says',
    [policyOf(post, { ...tried, name: 'a' }), policyOf(post, { ...tried, name: 'b', action: 'DENY' })],
    'DENY',
  ],
  [
    'a tried ALLOW that matches allows what no enforced one does',
    [policyOf(post, { name: 'a' }), policyOf(get, { ...tried, name: 'b' })],
    'ALLOW',
  ],
  [
    'AUDIT has no part in it',
    [policyOf(get, { action: 'AUDIT', name: 'a' }), policyOf(get, { ...tried, name: 'b' })],
    'ALLOW',
  ],
];

for (const [fact, resources, expected] of combined) {
  test(`together: ${fact}`, () => {
    for (const order of [resources, resources.toReversed()]) assert.equal(judge(order, {}).dryRunDecision, expected);
  });
}

test('what is refused whatever the policies say stays refused, were all of them enforced', () => {
  const strict = peerAuthenticationOf('{mtls: {mode: STRICT}}');
  const plaintext = { principal: null };
  assert.equal(judge([strict, policyOf(get, tried)], plaintext).dryRunDecision, 'DENY');
  assert.equal(judge([strict, policyOf(get)], plaintext).dryRunDecision, '');
});

test('without HTTP, policies that decide nothing are reported on too', () => {
  const resources = [
    policyOf(post, { action: 'AUDIT', name: 'a' }),
    policyOf(post, { ...tried, action: 'DENY', name: 'b' }),
    policyOf(get, { ...tried, name: 'c' }),
  ];
  const { decision, audit, dryRun, dryRunDecision } = judgeTcp(resources, {});
  assert.deepEqual([decision, audit, dryRunDecision], ['ALLOW', ['shop/a'], 'DENY']);
  assert.deepEqual(dryRun, [
    { policy: 'shop/b', would: 'DENY' },
    { policy: 'shop/c', would: 'DENY' },
  ]);
});
