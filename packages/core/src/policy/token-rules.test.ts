import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVERYTHING, judge, type Call } from '../testing/calls.ts';
import { policyOf } from '../testing/documents.ts';
import type { TokenFacts } from '../index.ts';

const ISSUER = 'https://accounts.example.com';

function tokenOf(claims: Record<string, unknown>, spaceDelimitedClaims: readonly string[] = []): TokenFacts {
  const all: Record<string, unknown> = { iss: ISSUER, sub: 'alice', ...claims };
  const [issuer, subject] = [String(all['iss']), String(all['sub'])];
  return { principal: `${issuer}/${subject}`, issuer, subject, claims: all, spaceDelimitedClaims };
}

/** The same token without one of its claims. */
function without(name: string): TokenFacts {
  const token = tokenOf({});
  return { ...token, claims: Object.fromEntries(Object.entries(token.claims).filter(([own]) => own !== name)) };
}

type Case = readonly [fact: string, value: string, token: TokenFacts | undefined, expected: boolean];

const alice = tokenOf({});
const bare = tokenOf({ iss: 'issuer' });

/** §1.3: how `requestPrincipals` and `request.auth.principal` are split and compared. */
const principals: readonly Case[] = [
  ['issuer and subject', `${ISSUER}/alice`, alice, true],
  ['another subject', `${ISSUER}/bob`, alice, false],
  ['"*" is any issuer and any subject', '*', alice, true],
  ['"*" asks for a subject that is not empty', '*', tokenOf({ sub: '' }), false],
  ['"*" asks for an issuer that is not empty', '*', tokenOf({ iss: '' }), false],
  ['"*" is no request without a token', '*', undefined, false],
  ['"*" is no token without a subject', '*', without('sub'), false],
  ['"issuer/*" is any subject of one issuer', `${ISSUER}/*`, alice, true],
  ['"issuer/*" is no empty subject', `${ISSUER}/*`, tokenOf({ sub: '' }), false],
  ['"issuer/*" is no longer issuer', 'https:/*', alice, false],
  ['"issuer*" without a slash begins the issuer', 'iss*', bare, true],
  ['"issuer*" asks for a subject that is not empty', 'iss*', tokenOf({ iss: 'issuer', sub: '' }), false],
  ['"issuer*" with a slash is split at the last one', 'https://accounts.*', alice, false],
  ['"issuer/sub*" begins the subject', `${ISSUER}/al*`, alice, true],
  ['"*/sub" is the subject of any issuer', '*/alice', alice, true],
  ['"*/sub" is the whole subject', '*/lice', alice, false],
  ['"*x/sub" ends the issuer', '*example.com/alice', alice, true],
  ['"*x/sub" takes the whole subject', '*example.com/ali', alice, false],
  ['"*sub" without a slash ends the subject of any issuer', '*ice', alice, true],
  ['"*/*" is a subject that is called "*"', '*/*', alice, false],
  ['"*/*" is a subject that is called "*", and there is one', '*/*', tokenOf({ sub: '*' }), true],
  ['no slash and no star never matches an ordinary token', 'issuer', bare, false],
  ['no slash and no star is an empty subject', 'issuer', tokenOf({ iss: 'issuer', sub: '' }), true],
  ['no slash and no star is no missing subject', ISSUER, without('sub'), false],
  ['a subject that is no text is none', `${ISSUER}/7`, tokenOf({ sub: 7 }), false],
  ['a subject that is read as a list is none', `${ISSUER}/alice`, tokenOf({}, ['sub']), false],
  ['case counts', `${ISSUER}/Alice`, alice, false],
];

/** §1.4: what conditions on claims compare; the value is "key=value". */
const claims: readonly Case[] = [
  ['an audience that is a text', 'audiences=shop', tokenOf({ aud: 'shop' }), true],
  ['an audience among several', 'audiences=shop', tokenOf({ aud: ['web', 'shop'] }), true],
  ['another audience', 'audiences=shop', tokenOf({ aud: ['web'] }), false],
  ['the presenter', 'presenter=app', tokenOf({ azp: 'app' }), true],
  ['a claim', 'claims[groups]=staff', tokenOf({ groups: 'staff' }), true],
  ['a claim that is missing', 'claims[groups]=staff', alice, false],
  ['a claim of a request without token', 'claims[groups]=*', undefined, false],
  ['a claim that is a list', 'claims[groups]=staff', tokenOf({ groups: ['ops', 'staff'] }), true],
  ['a claim by prefix', 'claims[groups]=st*', tokenOf({ groups: ['ops', 'staff'] }), true],
  ['a claim by suffix', 'claims[groups]=*ff', tokenOf({ groups: 'staff' }), true],
  ['"*" is a text that is not empty', 'claims[groups]=*', tokenOf({ groups: '' }), false],
  ['a number is no text', 'claims[level]=5', tokenOf({ level: 5 }), false],
  ['a number in a list is no text', 'claims[level]=5', tokenOf({ level: [5] }), false],
  ['a boolean is no text', 'claims[admin]=true', tokenOf({ admin: true }), false],
  ['null is no text', 'claims[admin]=*', tokenOf({ admin: null }), false],
  ['an object is no text', 'claims[realm]=*', tokenOf({ realm: { role: 'x' } }), false],
  ['a list of lists is not looked into', 'claims[groups]=staff', tokenOf({ groups: [['staff']] }), false],
  ['a nested claim', 'claims[realm][role]=x', tokenOf({ realm: { role: 'x' } }), true],
  ['a nested claim that is a list', 'claims[realm][role]=x', tokenOf({ realm: { role: ['y', 'x'] } }), true],
  ['a nested claim under a text', 'claims[realm][role]=x', tokenOf({ realm: 'x' }), false],
  ['a nested claim under a list of objects', 'claims[realm][role]=x', tokenOf({ realm: [{ role: 'x' }] }), false],
  ['a dot in a name is no nesting', 'claims[realm.role]=x', tokenOf({ realm: { role: 'x' } }), false],
  ['brackets that are not nested are one name', 'claims[a[b]=x', tokenOf({ 'a[b': 'x' }), true],
  ['what every object inherits is no claim', 'claims[constructor][name]=*', alice, false],
  ['scope is always a list', 'claims[scope]=write', tokenOf({ scope: 'read write' }), true],
  ['scope as a list is never the whole text', 'claims[scope]=read write', tokenOf({ scope: 'read write' }), false],
  ['scope may be a list already', 'claims[scope]=read write', tokenOf({ scope: ['read write'] }), true],
  ['scope that is empty holds nothing', 'claims[scope]=*', tokenOf({ scope: '  ' }), false],
  ['permission is always a list', 'claims[permission]=b', tokenOf({ permission: 'a  b' }), true],
  ['other claims are lists where the issuer says so', 'claims[roles]=b', tokenOf({ roles: 'a b' }, ['roles']), true],
  ['other claims are no lists otherwise', 'claims[roles]=b', tokenOf({ roles: 'a b' }), false],
  ['only outermost claims are lists', 'claims[x][scope]=b', tokenOf({ x: { scope: 'a b' } }), false],
];

function asked(rule: string, token: TokenFacts | undefined): string[] {
  const call: Call = token === undefined ? {} : { token };
  const options = { capabilities: EVERYTHING };
  return [
    judge([policyOf(rule)], call, options).decision,
    judge([policyOf(rule, { action: 'DENY' })], call, options).decision,
  ];
}

const MATCHED = ['ALLOW', 'DENY'];
const UNMATCHED = ['DENY', 'ALLOW'];

for (const [fact, value, token, expected] of principals) {
  test(`a token’s principal: ${fact}`, () => {
    const [yes, no] = expected ? [MATCHED, UNMATCHED] : [UNMATCHED, MATCHED];
    assert.deepEqual(asked(`- from: [{source: {requestPrincipals: ["${value}"]}}]`, token), yes);
    assert.deepEqual(asked(`- from: [{source: {notRequestPrincipals: ["${value}"]}}]`, token), no);
    assert.deepEqual(asked(`- when: [{key: request.auth.principal, values: ["${value}"]}]`, token), yes);
    assert.deepEqual(asked(`- when: [{key: request.auth.principal, notValues: ["${value}"]}]`, token), no);
  });
}

for (const [fact, condition, token, expected] of claims) {
  test(`a token’s claims: ${fact}`, () => {
    const [key = '', value = ''] = condition.split('=');
    const [yes, no] = expected ? [MATCHED, UNMATCHED] : [UNMATCHED, MATCHED];
    assert.deepEqual(asked(`- when: [{key: "request.auth.${key}", values: ["${value}"]}]`, token), yes);
    assert.deepEqual(asked(`- when: [{key: "request.auth.${key}", notValues: ["${value}"]}]`, token), no);
  });
}

test('the sources of a rule each ask for their own token', () => {
  const rule = `- from: [{source: {namespaces: [web], requestPrincipals: ["*/bob"]}}, {source: {namespaces: [x], requestPrincipals: ["*/alice"]}}]`;
  assert.deepEqual(asked(rule, alice), UNMATCHED);
  assert.deepEqual(asked(rule.replace('[x]', '[web]'), alice), MATCHED);
});

test('a source that asks for no token is enough beside one that does', () => {
  const rule = '- from: [{source: {requestPrincipals: ["*/bob"]}}, {source: {namespaces: [web]}}]';
  assert.deepEqual(asked(rule, undefined), MATCHED);
});

test('a denial says that there is no token, and never what a token holds', () => {
  const reasonOf = (rule: string, call: Call): string =>
    judge([policyOf(rule)], call, { capabilities: EVERYTHING }).reason;
  const principal = '- from: [{source: {requestPrincipals: ["*/bob"]}}]';
  const group = '- when: [{key: "request.auth.claims[groups]", values: [ops]}]';
  assert.match(reasonOf(principal, {}), /the request carries no verified token for rules\[0\]/);
  assert.match(
    reasonOf(principal, { token: alice }),
    /request principal https:\/\/accounts\.example\.com\/alice is not/,
  );
  assert.match(reasonOf(group, { token: alice }), /there is no claim groups for rules\[0\]\.when\[0\]\.values/);
  const secret = tokenOf({ groups: 'secret' });
  assert.match(reasonOf(group, { token: secret }), /the value of claim groups is not in rules\[0\]\.when\[0\]\.values/);
});
