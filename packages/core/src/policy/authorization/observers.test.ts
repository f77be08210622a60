import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from '../../testing/calls.ts';
import { policyOf } from '../../testing/documents.ts';
import type { Resource, Verdict } from '../../index.ts';

const get = '- to: [{operation: {methods: [GET]}}]';
const post = '- to: [{operation: {methods: [POST]}}]';
const tried = { dryRun: true } as const;

const cases: readonly [
  fact: string,
  resources: readonly Resource[],
  expected: Pick<Verdict, 'decision' | 'audit' | 'dryRun'>,
][] = [
  [
    'AUDIT policies that match are named',
    [policyOf(get, { action: 'AUDIT', name: 'a' }), policyOf(post, { action: 'AUDIT', name: 'b' })],
    { decision: 'ALLOW', audit: ['shop/a'], dryRun: [] },
  ],
  [
    'AUDIT policies are named on a denial too',
    [policyOf(get, { action: 'AUDIT', name: 'a' }), policyOf(post)],
    { decision: 'DENY', audit: ['shop/a'], dryRun: [] },
  ],
  [
    'a dry run of DENY that matches would deny',
    [policyOf(get, { ...tried, action: 'DENY' })],
    { decision: 'ALLOW', audit: [], dryRun: [{ policy: 'shop/policy', would: 'DENY' }] },
  ],
  [
    'a dry run of DENY that does not match says nothing',
    [policyOf(post, { ...tried, action: 'DENY' })],
    { decision: 'ALLOW', audit: [], dryRun: [] },
  ],
  [
    'a dry run of ALLOW that matches would allow',
    [policyOf(get, { ...tried, name: 'b' }), policyOf(post, { name: 'a' })],
    { decision: 'DENY', audit: [], dryRun: [{ policy: 'shop/b', would: 'ALLOW' }] },
  ],
  [
    'a dry run of ALLOW alone would deny what it does not match',
    [policyOf(post, tried)],
    { decision: 'ALLOW', audit: [], dryRun: [{ policy: 'shop/policy', would: 'DENY' }] },
  ],
  [
    'a dry run of ALLOW would deny nothing that another one allows',
    [policyOf(post, { ...tried, name: 'a' }), policyOf(get, { ...tried, name: 'b' })],
    { decision: 'ALLOW', audit: [], dryRun: [{ policy: 'shop/b', would: 'ALLOW' }] },
  ],
  [
    'a dry run of ALLOW would deny nothing that an enforced policy allows',
    [policyOf(post, { ...tried, name: 'a' }), policyOf(get, { name: 'b' })],
    { decision: 'ALLOW', audit: [], dryRun: [] },
  ],
  [
    'a dry run without rules would deny everything',
    [policyOf(undefined, tried)],
    { decision: 'ALLOW', audit: [], dryRun: [{ policy: 'shop/policy', would: 'DENY' }] },
  ],
];

for (const [fact, resources, expected] of cases) {
  test(fact, () => {
    const { decision, audit, dryRun } = judge(resources, {});
    assert.deepEqual({ decision, audit, dryRun }, expected);
  });
}
