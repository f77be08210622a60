import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { TrustDomain } from '@rampart/core';
import { createCsr } from '../csr.ts';
import { generateKeyPair } from '../key-pair.ts';
import { fromPem } from '../pem.ts';
import { hasOpenssl, openBench, type OpensslBench } from '../testing/openssl.ts';
import { signerOf, spkiOf } from '../testing/test-authority.ts';
import { parseAuthorityCsr } from './authority-csr.ts';
import { createAuthorityRequest } from './authority-request.ts';

const skip = hasOpenssl() ? false : 'openssl is not installed';
const trustDomain = TrustDomain.of('cluster.local');
const CA = 'basicConstraints=critical,CA:TRUE,pathlen:0';
const USAGE = 'keyUsage=critical,keyCertSign,cRLSign';
const NAME = 'subjectAltName=URI:spiffe://cluster.local';

function judge(der: Uint8Array): string {
  const request = parseAuthorityCsr(der, trustDomain);
  return request.ok ? 'fit' : request.problem.rule;
}

describe('a request for an intermediate', { skip }, () => {
  let bench: OpensslBench;
  before(() => {
    bench = openBench();
  });
  after(() => bench.close());

  it('is one when this product made it', async () => {
    const key = generateKeyPair();
    const request = { publicKeyDer: spkiOf(key), trustDomain, commonName: 'Rampart intermediate CA' };
    assert.equal(judge(await createAuthorityRequest(request, signerOf(key))), 'fit');
  });

  it('is not the request of a workload, though its key is as good', () => {
    assert.equal(judge(createCsr(generateKeyPair())), 'csr-authority');
  });

  const cases: readonly (readonly [what: string, extensions: readonly string[], outcome: string])[] = [
    ['asks for an intermediate of this trust domain', [CA, USAGE, NAME], 'fit'],
    ['asks for nothing', [], 'csr-authority'],
    ['asks for a leaf', [USAGE.replace('keyCertSign,cRLSign', 'digitalSignature'), NAME], 'csr-authority'],
    ['is that of a leaf that says so', ['basicConstraints=CA:FALSE', USAGE, NAME], 'csr-authority'],
    ['may not sign', [CA, 'keyUsage=cRLSign', NAME], 'csr-authority'],
    ['allows authorities below it', [CA.replace(',pathlen:0', ''), USAGE, NAME], 'csr-authority'],
    ['names no trust domain', [CA, USAGE], 'csr-trust-domain'],
    ['names another trust domain', [CA, USAGE, NAME.replace('cluster.local', 'evil.test')], 'csr-trust-domain'],
    ['names two', [CA, USAGE, `${NAME},URI:spiffe://evil.test`], 'csr-trust-domain'],
    ['names a workload', [CA, USAGE, `${NAME}/ns/prod/sa/web`], 'csr-trust-domain'],
  ];
  for (const [what, extensions, outcome] of cases) {
    it(`${outcome === 'fit' ? 'is one' : `is refused by ${outcome}`} when it ${what}`, () => {
      const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'own.key'];
      const asked = extensions.flatMap((each) => ['-addext', each]);
      const [der] = fromPem(bench.run('req', '-new', ...key, '-subj', '/CN=x', ...asked), 'CERTIFICATE REQUEST');
      assert.equal(judge(der ?? new Uint8Array()), outcome);
    });
  }
});
