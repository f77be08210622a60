import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { bundleToPem, checkBundle } from './bundle/trust-bundle.ts';
import { generateKeyPair } from './key-pair.ts';
import { fromPem, toPem } from './pem.ts';
import { createTestAuthority, issueWorkload } from './testing/test-authority.ts';

const authority = await createTestAuthority();
const foreign = await createTestAuthority('example.org');

describe('PEM (RFC 7468)', () => {
  it('reads back', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 4 }), (blocks) => {
        const text = blocks.map((block) => toPem(block)).join('');
        assert.deepEqual(
          fromPem(text),
          blocks.map((block) => new Uint8Array(block)),
        );
      }),
    );
  });

  it('is the same text as that of node:crypto', () => {
    assert.equal(toPem(authority.root), new X509Certificate(authority.root).toString());
  });

  it('passes over comments and other labels, and takes CRLF', () => {
    const text = `# the roots\n${generateKeyPair().privateKeyPem()}${toPem(authority.root)}and more`.replaceAll(
      '\n',
      '\r\n',
    );
    assert.deepEqual(fromPem(text), [authority.root]);
    assert.equal(fromPem(text, 'PRIVATE KEY').length, 1);
    assert.deepEqual(fromPem('nothing'), []);
  });

  const begin = '-----BEGIN CERTIFICATE-----';
  const end = '-----END CERTIFICATE-----';
  const refused: readonly (readonly [rule: string, text: string, message: RegExp])[] = [
    ['a block without end', `\n${begin}\nAAAA`, /at line 2 has no end/],
    ['a block inside a block', `${begin}\n${begin}\n${end}`, /at line 1 does not end before/],
    ['letters that are not base64', `${begin}\nAA!A\n${end}`, /at line 1 is not base64/],
    ['wrong padding', `${begin}\nAAA\n${end}`, /at line 1 is not base64/],
    ['stray bits', `${begin}\nAB==\n${end}`, /at line 1 is not base64/],
    ['an empty block', `${begin}\n${end}`, /at line 1 is not base64/],
  ];
  for (const [rule, text, message] of refused) {
    it(`refuses ${rule}`, () => assert.throws(() => fromPem(text), { code: 'INVALID_CERTIFICATE', message }));
  }
});

describe('a trust bundle', () => {
  const { trustDomain, root } = authority;
  it('is good when its roots are CAs of its domain', () => {
    assert.ok(checkBundle({ trustDomain, roots: [root, root], jwtAuthorities: [], sequence: 1 }).ok);
    assert.ok(checkBundle({ trustDomain, roots: [], jwtAuthorities: [], sequence: 1 }).ok);
  });

  it('is refused with the number of the root that is not', async () => {
    const leaf = await issueWorkload(authority);
    for (const [stranger, why] of [
      [leaf, /root 2 of trust domain cluster.local: the issuer is not a CA/],
      [foreign.root, /root 2 of trust domain cluster.local: it is a root of trust domain example.org/],
      [Uint8Array.of(0x30), /root 2 of trust domain cluster.local: the certificate is cut off/],
    ] as const) {
      const checked = checkBundle({ trustDomain, roots: [root, stranger], jwtAuthorities: [], sequence: 1 });
      assert.match(checked.ok ? 'accepted' : checked.problem, why);
    }
  });

  it('prints as PEM', () => {
    const text = bundleToPem({ trustDomain, roots: [root, foreign.root], jwtAuthorities: [], sequence: 1 });
    assert.deepEqual(fromPem(text), [root, foreign.root]);
  });
});
