import { test } from 'node:test';
import { ISSUER, jwtRule, labelled, PUBLIC_JWKS, tokens } from '../../testing/resource-json.ts';
import { base } from '../../testing/resource-json.ts';
import { expectRefusal, expectSilence, type Refusal } from '../../testing/refusals.ts';

const URI = `${ISSUER}/jwks.json`;
const RULE = 'spec.jwtRules[0]';

const refused: readonly Refusal[] = [
  ['a null jwtRule', tokens(null), RULE, /is empty/],
  ['jwtRules that are no list', base('RequestAuthentication', { jwtRules: {} }), 'spec.jwtRules', /a list of rules/],
  ['a rule without issuer and jwksUri', tokens({}), RULE, /needs an issuer/],
  ['a rule with empty issuer and no jwksUri', tokens({ issuer: '' }), RULE, /needs an issuer/],
  ['a rule with inline keys and no issuer', tokens({ jwks: PUBLIC_JWKS }), RULE, /needs an issuer/],
  ['an issuer that is no string', tokens({ issuer: 1, jwksUri: URI }), `${RULE}.issuer`, /must be a string/],
  ['jwks beside jwksUri', jwtRule({ jwks: PUBLIC_JWKS, jwksUri: URI }), `${RULE}.jwks`, /cannot stand beside jwksUri/],
  [
    'a jwksUri without scheme',
    jwtRule({ jwksUri: 'issuer.example/jwks' }),
    `${RULE}.jwksUri`,
    /https:\/\/ or http:\/\//,
  ],
  [
    'a jwksUri of another scheme',
    jwtRule({ jwksUri: 'file:///etc/jwks' }),
    `${RULE}.jwksUri`,
    /https:\/\/ or http:\/\//,
  ],
  ['a jwksUri with a bad port', jwtRule({ jwksUri: 'https://a:99999/' }), `${RULE}.jwksUri`, /port from 1 to 65535/],
  ['a jwksUri whose port is no number', jwtRule({ jwksUri: 'https://a:b/' }), `${RULE}.jwksUri`, /must be a URL/],
  ['a jwksUri with a user', jwtRule({ jwksUri: 'https://u:p@a/' }), `${RULE}.jwksUri`, /without user name/],
  [
    'a jwksUri of 2049 characters',
    jwtRule({ jwksUri: `https://a/${'b'.repeat(2039)}` }),
    `${RULE}.jwksUri`,
    /at most 2048/,
  ],
  ['an empty jwksUri', jwtRule({ jwksUri: '' }), `${RULE}.jwksUri`, /must not be empty/],
  ['jwks that are no JSON', jwtRule({ jwks: 'keys' }), `${RULE}.jwks`, /must be a JSON Web Key Set/],
  ['jwks that are JSON of another kind', jwtRule({ jwks: '[]' }), `${RULE}.jwks`, /must be a JSON Web Key Set/],
  ['jwks as an object', jwtRule({ jwks: { keys: [] } }), `${RULE}.jwks`, /as text/],
  [
    'a PEM key as jwks',
    jwtRule({ jwks: '-----BEGIN PUBLIC KEY-----\nAA\n' }),
    `${RULE}.jwks`,
    /must be a JSON Web Key Set/,
  ],
  ['a key of unknown type', jwtRule({ jwks: '{"keys":[{"kty":"XX"}]}' }), `${RULE}.jwks`, /key 0 .*"kty"/],
  [
    'a key without its numbers',
    jwtRule({ jwks: '{"keys":[{"kty":"RSA","e":"AQAB"}]}' }),
    `${RULE}.jwks`,
    /"n" is missing/,
  ],
  [
    'a key that is not base64url',
    jwtRule({ jwks: '{"kty":"RSA","n":"a b","e":"AQAB"}' }),
    `${RULE}.jwks`,
    /"n" is missing or not/,
  ],
  ['an empty audience', jwtRule({ audiences: [''] }), `${RULE}.audiences[0]`, /must not be empty/],
  ['an empty query parameter', jwtRule({ fromParams: [''] }), `${RULE}.fromParams[0]`, /must not be empty/],
  ['an empty cookie', jwtRule({ fromCookies: [''] }), `${RULE}.fromCookies[0]`, /must not be empty/],
  ['a null header', jwtRule({ fromHeaders: [null] }), `${RULE}.fromHeaders[0]`, /is empty/],
  ['a header without name', jwtRule({ fromHeaders: [{ prefix: 'a' }] }), `${RULE}.fromHeaders[0]`, /needs a name/],
  [
    'a header with an empty name',
    jwtRule({ fromHeaders: [{ name: '' }] }),
    `${RULE}.fromHeaders[0].name`,
    /must not be empty/,
  ],
  [
    'a header that is no name',
    jwtRule({ fromHeaders: [{ name: 'a b' }] }),
    `${RULE}.fromHeaders[0].name`,
    /cannot be the name/,
  ],
  [
    'an output header with a dot',
    jwtRule({ outputPayloadToHeader: 'a.b' }),
    `${RULE}.outputPayloadToHeader`,
    /letters, digits/,
  ],
  ['a null claim header', jwtRule({ outputClaimToHeaders: [null] }), `${RULE}.outputClaimToHeaders[0]`, /is empty/],
  [
    'a claim header without claim',
    jwtRule({ outputClaimToHeaders: [{ header: 'a' }] }),
    `${RULE}.outputClaimToHeaders[0]`,
    /needs a claim/,
  ],
  [
    'a claim header without header',
    jwtRule({ outputClaimToHeaders: [{ claim: 'a' }] }),
    `${RULE}.outputClaimToHeaders[0]`,
    /needs a header/,
  ],
  [
    'a claim header with a space',
    jwtRule({ outputClaimToHeaders: [{ header: 'a b', claim: 'c' }] }),
    `${RULE}.outputClaimToHeaders[0].header`,
    /letters, digits/,
  ],
  ['a timeout without unit', jwtRule({ timeout: '5' }), `${RULE}.timeout`, /duration such as "5s"/],
  ['a timeout that is a number', jwtRule({ timeout: 5 }), `${RULE}.timeout`, /in quotes/],
  ['a timeout of nothing', jwtRule({ timeout: '0s' }), `${RULE}.timeout`, /from 1ms/],
  ['a timeout below a millisecond', jwtRule({ timeout: '10us' }), `${RULE}.timeout`, /from 1ms/],
  ['a negative timeout', jwtRule({ timeout: '-5s' }), `${RULE}.timeout`, /duration such as/],
  [
    'forwardOriginalToken as text',
    jwtRule({ forwardOriginalToken: 'true' }),
    `${RULE}.forwardOriginalToken`,
    /without quotes/,
  ],
  [
    '65 space-delimited claims',
    jwtRule({ spaceDelimitedClaims: Array.from({ length: 65 }, (_, n) => `c${n}`) }),
    `${RULE}.spaceDelimitedClaims`,
    /at most 64/,
  ],
  ['4097 rules', tokens(...Array.from({ length: 4097 }, () => ({ issuer: ISSUER }))), 'spec.jwtRules', /at most 4096/],
  ['an unknown field of a rule', jwtRule({ jwksURI: URI }), `${RULE}.jwksURI`, /did you mean "jwksUri"/],
  [
    'selector and targetRefs together',
    base('RequestAuthentication', {
      ...labelled,
      jwtRules: [{ issuer: ISSUER }],
      targetRefs: [{ kind: 'Service', name: 'a' }],
    }),
    'spec.targetRefs',
    /cannot stand beside selector/,
  ],
  [
    'a dry run of a RequestAuthentication',
    { ...jwtRule({}), metadata: { name: 'x', annotations: { 'istio.io/dry-run': 'true' } } },
    'metadata.annotations["istio.io/dry-run"]',
    /no meaning for RequestAuthentication/,
  ],
];

const accepted: readonly (readonly [fact: string, json: unknown])[] = [
  ['an issuer alone, whose keys are discovered', jwtRule({})],
  ['inline keys over several lines', jwtRule({ jwks: JSON.stringify(JSON.parse(PUBLIC_JWKS), undefined, 2) })],
  [
    'every place of a token',
    jwtRule({
      fromHeaders: [{ name: 'x-token' }, { name: 'b', prefix: 'JWT ' }],
      fromParams: ['t'],
      fromCookies: ['c'],
    }),
  ],
  ['keys over plain HTTP with a port', jwtRule({ jwksUri: 'http://[::1]:8080/jwks?x=1' })],
  ['a duration in several units', jwtRule({ timeout: '1m0.5s' })],
  [
    'outputs',
    jwtRule({ outputPayloadToHeader: 'x-payload', outputClaimToHeaders: [{ header: 'x_sub', claim: 'a.b.c' }] }),
  ],
];

for (const refusal of refused) test(`refuses ${refusal[0]}`, () => expectRefusal(refusal));

for (const [fact, json] of accepted) test(`accepts ${fact}`, () => expectSilence(json));
