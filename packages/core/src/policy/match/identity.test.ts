import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileNamespaces, compilePrincipals, compileServiceAccounts, compileTrustDomains } from './identity.ts';

type Case = readonly [fact: string, value: string, principal: string, expected: boolean];

const domains = { names: ['new.td', 'old.td'] };
const WEB = 'new.td/ns/web/sa/frontend';

const principals: readonly Case[] = [
  ['exact', 'new.td/ns/web/sa/frontend', WEB, true],
  ['exact, another account', 'new.td/ns/web/sa/batch', WEB, false],
  ['prefix', 'new.td/ns/web/*', WEB, true],
  ['suffix', '*/sa/frontend', WEB, true],
  ['a suffix ends within the identity', '*frontend', WEB, true],
  ['presence', '*', WEB, true],
  ['a scheme is part of no principal', `spiffe://${WEB}`, WEB, false],
  ['a former name of the mesh stands for its present one', 'old.td/ns/web/sa/frontend', WEB, true],
  ['the present name stands for a former one', 'new.td/ns/web/sa/frontend', 'old.td/ns/web/sa/frontend', true],
  ['cluster.local stands for the mesh whatever its name', 'cluster.local/ns/web/sa/frontend', WEB, true],
  ['a foreign trust domain stands for itself', 'other.td/ns/web/sa/frontend', WEB, false],
  ['a foreign trust domain, itself', 'other.td/ns/web/sa/frontend', 'other.td/ns/web/sa/frontend', true],
  ['a suffix of a domain covers names that have it', '*.td/ns/web/sa/frontend', 'old.td/ns/web/sa/frontend', true],
  ['aliases are for principals of five parts', 'old.td/ns/web/*', WEB, false],
  ['a star as the domain is a suffix match', '*/ns/web/sa/frontend', 'any/ns/web/sa/frontend', true],
];
const namespaces: readonly Case[] = [
  ['exact', 'web', WEB, true],
  ['exact is all of the name', 'we', WEB, false],
  ['prefix', 'w*', WEB, true],
  ['suffix', '*eb', WEB, true],
  ['a star inside', 'w*b', WEB, true],
  ['several stars', '*e*', WEB, true],
  ['presence', '*', WEB, true],
  ['a star reaches over slashes', 'web*nd', 'td/ns/web/sa/frontend/x', true],
  ['an identity of another form has no namespace', 'web', 'td/web', false],
  ['a namespace anywhere in the identity', 'web', 'td/x/ns/web/sa/frontend', true],
  ['a namespace at the very end is none', 'web', 'td/ns/web', false],
];
const accounts: readonly Case[] = [
  ['with namespace', 'web/frontend', WEB, true],
  ['with another namespace', 'shop/frontend', WEB, false],
  ['without namespace it is of the policy’s own', 'frontend', WEB, false],
  ['without namespace, in the policy’s own', 'frontend', 'td/ns/shop/sa/frontend', true],
  ['of any trust domain', 'web/frontend', 'other/ns/web/sa/frontend', true],
  ['parts in between', 'web/frontend', 'td/ns/web/x/y/sa/frontend', true],
  ['parts after', 'web/frontend', 'td/ns/web/sa/frontend/pod/1', true],
  ['all of the account', 'web/front', WEB, false],
  ['all of the segment before', 'web/frontend', 'td/ns/web/xsa/frontend', false],
  ['all of the namespace', 'we/frontend', WEB, false],
];
const trustDomains: readonly Case[] = [
  ['exact', 'new.td', WEB, true],
  ['a former name', 'old.td', WEB, true],
  ['cluster.local', 'cluster.local', WEB, true],
  ['a foreign one', 'other.td', WEB, false],
  ['a foreign one, itself', 'other.td', 'other.td/a', true],
  ['prefix', 'oth*', 'other.td/a', true],
  ['suffix', '*.td', 'other.td/a', true],
  ['presence', '*', 'other.td/a', true],
  ['the domain alone is looked at', '*frontend', WEB, false],
];

const fields = [
  ['principals', principals, (value: string) => compilePrincipals([value], domains)],
  ['namespaces', namespaces, (value: string) => compileNamespaces([value])],
  ['serviceAccounts', accounts, (value: string) => compileServiceAccounts([value], 'shop')],
  ['trustDomains', trustDomains, (value: string) => compileTrustDomains([value], domains)],
] as const;

for (const [field, cases, compile] of fields) {
  for (const [fact, value, principal, expected] of cases) {
    test(`${field}, ${fact}: ${value} ${expected ? 'takes' : 'does not take'} ${principal}`, () => {
      assert.equal(compile(value)(principal), expected);
    });
  }
}

test('service accounts agree with Istio’s regular expression', () => {
  const part = fc.constantFrom('ns', 'sa', 'a', 'b', '');
  const principal = fc.array(part, { minLength: 1, maxLength: 9 }).map((parts) => parts.join('/'));
  fc.assert(
    fc.property(principal, (text) => {
      const expected = /^.+\/ns\/a\/(?:.+\/|)sa\/b(?:\/.+)?$/.test(text);
      assert.equal(compileServiceAccounts(['a/b'], 'x')(text), expected);
    }),
    { numRuns: 20_000 },
  );
});
