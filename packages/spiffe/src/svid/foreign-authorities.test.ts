import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { TrustDomain } from '@rampart/core';
import { parseBundleJson } from '../bundle/read.ts';
import { bundleToJson } from '../bundle/write.ts';
import { parseCertificate } from '../certificate/parsed-certificate.ts';
import { fromPem } from '../pem.ts';
import { hasOpenssl, openBench, type OpensslBench } from '../testing/openssl.ts';
import { verifySvid } from './verify.ts';

const PARTNER = TrustDomain.of('partner.example');
const ID = 'spiffe://partner.example/spire-workload/web';

/** Keys as `openssl genpkey` makes them, and whether certificates of theirs are accepted. */
const KEYS: readonly (readonly [name: string, options: readonly string[], accepted: boolean])[] = [
  ['EC P-256, the default of SPIRE', ['EC', '-pkeyopt', 'ec_paramgen_curve:P-256'], true],
  ['EC P-384', ['EC', '-pkeyopt', 'ec_paramgen_curve:P-384'], true],
  ['RSA of 2048 bits', ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048'], true],
  ['RSA of 1024 bits', ['RSA', '-pkeyopt', 'rsa_keygen_bits:1024'], false],
  ['EC P-521', ['EC', '-pkeyopt', 'ec_paramgen_curve:P-521'], false],
];

describe('authorities as SPIRE makes them', { skip: hasOpenssl() ? false : 'there is no openssl command here' }, () => {
  let bench: OpensslBench;
  before(() => {
    bench = openBench();
    // pkg/server/credtemplate: names, key usages and the SPIFFE ID of authority and workload.
    bench.put(
      'ca.conf',
      [
        '[req]\ndistinguished_name=dn\nprompt=no\nx509_extensions=ca\nstring_mask=utf8only',
        '[dn]\nC=US\nO=SPIFFE\nserialNumber=288216381932347104361430000000000000001',
        '[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign',
        'subjectKeyIdentifier=hash\nsubjectAltName=URI:spiffe://partner.example',
      ].join('\n'),
    );
    bench.put(
      'svid.ext',
      [
        'basicConstraints=critical,CA:FALSE',
        'keyUsage=critical,digitalSignature,keyEncipherment,keyAgreement',
        'extendedKeyUsage=serverAuth,clientAuth',
        'subjectKeyIdentifier=hash',
        'authorityKeyIdentifier=keyid',
        `subjectAltName=URI:${ID},DNS:web`,
      ].join('\n'),
    );
    bench.run('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'leaf.key');
    bench.run('req', '-new', '-key', 'leaf.key', '-subj', '/C=US/O=SPIRE/x500UniqueIdentifier=abc', '-out', 'leaf.csr');
  });
  after(() => bench.close());

  const der = (pem: string): Uint8Array => fromPem(pem)[0] ?? new Uint8Array();

  for (const [name, key, accepted] of KEYS) {
    it(`with a key of ${name}: ${accepted ? 'their workloads verify by their bundle' : 'vouch for nobody'}`, () => {
      bench.run('genpkey', '-algorithm', ...key, '-out', 'ca.key');
      bench.put('ca.pem', bench.run('req', '-new', '-x509', '-key', 'ca.key', '-config', 'ca.conf', '-days', '1'));
      const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-set_serial', '0x7f01', '-days', '1', '-sha256'];
      const leaf = der(bench.run('x509', '-req', '-in', 'leaf.csr', '-extfile', 'svid.ext', ...signing));
      const root = der(bench.run('x509', '-in', 'ca.pem'));
      const document = bundleToJson({ trustDomain: PARTNER, roots: [root], jwtAuthorities: [], sequence: 1 });
      const bundle = parseBundleJson(PARTNER, document);
      assert.ok(bundle.ok, bundle.ok ? '' : bundle.problem);
      assert.equal(bundle.value.roots.length, 1);
      const certificate = parseCertificate(leaf);
      assert.ok(certificate.ok, certificate.ok ? '' : certificate.problem);
      const at = certificate.value.notBefore + 1000;
      const verified = verifySvid([leaf], { roots: bundle.value.roots, trustDomain: PARTNER, at });
      assert.equal(
        verified.ok ? verified.value.spiffeId.toString() : verified.problem.code,
        accepted ? ID : 'UNTRUSTED',
      );
    });
  }
});
