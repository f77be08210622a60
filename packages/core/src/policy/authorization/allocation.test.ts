// What a decision allocates, by the kinds of fields that many policies ask about.
import assert from 'node:assert/strict';
import { getHeapSpaceStatistics } from 'node:v8';
import { test } from 'node:test';
import { compile, connectionOf, EVERYTHING, requestOf } from '../../testing/calls.ts';
import { policyOf } from '../../testing/documents.ts';
import type { RequestAttributes } from '../attributes.ts';
import type { ConnectionPolicy } from '../connection-policy.ts';

const POLICIES = 400;
/** For a decision, to take a client address apart; the smallest object for each policy would be more. */
const MOST_BYTES = 4_000;
const DECISIONS = 200;

const claims = { iss: 'https://issuer', sub: 'bob', groups: ['a', 'b'], scope: 'read write' };
const token = { principal: 'https://issuer/bob', issuer: claims.iss, subject: 'bob', claims, spaceDelimitedClaims: [] };
const clients = ['203.0.113.1', '2001:db8::1'];
const requests: readonly RequestAttributes[] = clients.map((remoteIp) =>
  requestOf({ path: '/q/1', host: 'Orders:8080', headers: { 'x-key': 'v' }, token, remoteIp }),
);

const rules: readonly [field: string, rule: (index: number) => string][] = [
  ['paths', (index) => `- to: [{operation: {paths: ["/a${index}", "/q/{*}/x${index}"]}}]`],
  ['notPaths', (index) => `- to: [{operation: {paths: ["/b/*"], notPaths: ["/a${index}"]}}]`],
  ['methods', (index) => `- to: [{operation: {methods: [GET${index}]}}]`],
  ['hosts', (index) => `- to: [{operation: {hosts: [h${index}.example.com]}}]`],
  ['remoteIpBlocks', (index) => `- from: [{source: {remoteIpBlocks: [10.0.${index % 256}.0/24]}}]`],
  ['requestPrincipals', (index) => `- from: [{source: {requestPrincipals: [https://issuer/u${index}]}}]`],
  ['headers', (index) => `- when: [{key: "request.headers[x-key]", values: [v${index}]}]`],
  ['claims', (index) => `- when: [{key: "request.auth.claims[groups]", values: [g${index}]}]`],
  ['scopes', (index) => `- when: [{key: "request.auth.claims[scope]", values: [s${index}]}]`],
];

for (const [field, rule] of rules) {
  test(`no more is allocated for many policies than for few: ${field}`, () => {
    const denying = Array.from({ length: POLICIES }, (_, index) =>
      policyOf(rule(index), { name: `p-${index}`, action: 'DENY' }),
    );
    const policies = [...denying, policyOf('- to: [{operation: {methods: [GET]}}]')];
    const connection = compile(policies, { capabilities: EVERYTHING }).forConnection(connectionOf({}));
    decideAll(connection);
    const bytes = leastAllocated(() => {
      decideAll(connection);
    });
    assert.ok(bytes / DECISIONS <= MOST_BYTES, `${bytes / DECISIONS} bytes for a decision`);
  });
}

function decideAll(connection: ConnectionPolicy): void {
  for (let index = 0; index < DECISIONS; index += 1) {
    const request = requests[index % requests.length];
    assert.ok(request && connection.evaluate(request).decision === 'ALLOW');
  }
}

/** Of several rounds, because a collection in one hides what it allocated and the compiler allocates at times. */
function leastAllocated(work: () => void): number {
  const rounds = Array.from({ length: 8 }, () => {
    const before = youngBytes();
    work();
    return youngBytes() - before;
  });
  return Math.min(...rounds.filter((bytes) => bytes >= 0));
}

function youngBytes(): number {
  const young = getHeapSpaceStatistics().filter(({ space_name: name }) => name.startsWith('new'));
  return young.reduce((sum, { space_used_size: used }) => sum + used, 0);
}
