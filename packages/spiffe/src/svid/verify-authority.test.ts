import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { TrustDomain } from '@rampart/core';
import { parseCsr } from '../csr.ts';
import { createAuthorityRequest } from '../issuance/authority-request.ts';
import { generateKeyPair } from '../key-pair.ts';
import { fromPem, toPem } from '../pem.ts';
import { hasOpenssl, openBench, type OpensslBench } from '../testing/openssl.ts';
import { signerOf, spkiOf } from '../testing/test-authority.ts';
import { verifyAuthority } from './verify-authority.ts';

const skip = hasOpenssl() ? false : 'openssl is not installed';
const trustDomain = TrustDomain.of('cluster.local');
const FIT = `basicConstraints=critical,CA:TRUE,pathlen:0
keyUsage=critical,keyCertSign,cRLSign
subjectAltName=URI:spiffe://cluster.local
`;

/** A CA that knows nothing of SPIFFE: the `openssl` command, with a root of its own. */
class OpensslCa {
  readonly #bench: OpensslBench;
  readonly #csr: string;
  readonly root: Uint8Array;

  constructor(bench: OpensslBench, csr: Uint8Array, rootExtensions: readonly string[]) {
    this.#bench = bench;
    this.#csr = bench.put('request.csr', toPem(csr, 'CERTIFICATE REQUEST'));
    const extensions = rootExtensions.flatMap((each) => ['-addext', each]);
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'root.key'];
    bench.run('req', '-x509', ...key, '-subj', '/CN=somebody else', '-days', '30', '-out', 'root.pem', ...extensions);
    this.root = certificateOf(bench.run('x509', '-in', 'root.pem'));
  }

  sign(extensions?: string): Uint8Array {
    const how =
      extensions === undefined
        ? ['-copy_extensions', 'copy']
        : ['-extfile', this.#bench.put('extensions.cnf', extensions)];
    const ca = ['-CA', 'root.pem', '-CAkey', 'root.key', '-days', '10'];
    return certificateOf(this.#bench.run('x509', '-req', '-in', this.#csr, ...ca, ...how));
  }
}

function certificateOf(pem: string): Uint8Array {
  const [der] = fromPem(pem);
  assert.ok(der);
  return der;
}

describe('an authority that somebody else signed', { skip }, () => {
  let bench: OpensslBench;
  let csr: Uint8Array;
  let ca: OpensslCa;

  before(async () => {
    bench = openBench();
    const key = generateKeyPair();
    const request = { publicKeyDer: spkiOf(key), trustDomain, commonName: 'Rampart intermediate CA 1a2b3c4d' };
    csr = await createAuthorityRequest(request, signerOf(key));
    ca = new OpensslCa(bench, csr, ['keyUsage=critical,keyCertSign,cRLSign']);
  });
  after(() => bench.close());

  const judge = (der: Uint8Array, root: Uint8Array, at = Date.now()): string => {
    const verified = verifyAuthority([der], { trustDomain, roots: [root], at });
    return verified.ok ? 'fit' : `${verified.problem.code}: ${verified.problem.message}`;
  };

  it('is asked for in words that OpenSSL understands', () => {
    const text = bench.run(
      'req',
      '-in',
      bench.put('shown.csr', toPem(csr, 'CERTIFICATE REQUEST')),
      '-verify',
      '-noout',
      '-text',
    );
    for (const words of [
      'CN = Rampart intermediate CA 1a2b3c4d',
      'CA:TRUE, pathlen:0',
      'Certificate Sign, CRL Sign',
      'URI:spiffe://cluster.local',
    ]) {
      assert.ok(text.replaceAll('CN=', 'CN = ').includes(words), words);
    }
    assert.ok(parseCsr(csr).ok);
  });

  it('is fit when it got what was asked for', () => {
    assert.equal(judge(ca.sign(), ca.root), 'fit');
  });

  const refused: readonly (readonly [what: string, extensions: string, why: RegExp])[] = [
    ['is no CA', FIT.replace('CA:TRUE,pathlen:0', 'CA:FALSE'), /UNTRUSTED: the issuer is not a CA/],
    ['does not say critically that it is a CA', FIT.replace('critical,CA', 'CA'), /not a CA/],
    ['may not sign', FIT.replace('keyCertSign,', ''), /BAD_KEY_USAGE/],
    ['says that it may sign without insisting on it', FIT.replace('keyUsage=critical,', 'keyUsage='), /BAD_KEY_USAGE/],
    ['is of another trust domain', FIT.replace('cluster.local', 'example.org'), /WRONG_TRUST_DOMAIN.*example\.org/],
    ['is of two trust domains', `${FIT.trim()},URI:spiffe://example.org\n`, /MULTIPLE_URI_SANS/],
    ['names a workload', FIT.replace('cluster.local', 'cluster.local/ns/a/sa/b'), /has a path/],
    [
      'is limited to names that nobody here honours',
      `${FIT}nameConstraints=permitted;DNS:example.org\n`,
      /cannot be honoured/,
    ],
    ['has no key id', `${FIT}subjectKeyIdentifier=none\n`, /no subject key id/],
  ];
  for (const [what, extensions, why] of refused) {
    it(`is refused when it ${what}`, () => {
      assert.match(judge(ca.sign(extensions), ca.root), why);
    });
  }

  it('is refused before and after its life', () => {
    const der = ca.sign(FIT);
    assert.match(judge(der, ca.root, Date.now() - 86_400_000), /NOT_YET_VALID/);
    assert.match(judge(der, ca.root, Date.now() + 11 * 86_400_000), /EXPIRED/);
  });

  it('is refused below a root that was not named, and below one that allows nothing below it', () => {
    const der = ca.sign(FIT);
    const narrow = openBench();
    const other = new OpensslCa(narrow, csr, [
      'keyUsage=critical,keyCertSign',
      'basicConstraints=critical,CA:TRUE,pathlen:0',
    ]);
    assert.match(judge(der, other.root), /UNTRUSTED/);
    assert.match(judge(other.sign(FIT), other.root), /allows 0 intermediates below it and there are 1/);
    narrow.close();
  });
});
