import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import {
  connect,
  type ConnectionOptions,
  createServer,
  rootCertificates,
  type TlsOptions,
  type TLSSocket,
} from 'node:tls';
import { SpiffeId } from '@rampart/core';
import { parseCertificate } from './certificate/parsed-certificate.ts';
import { createCsr, parseCsr } from './csr.ts';
import { generateKeyPair } from './key-pair.ts';
import { fromPem, toPem } from './pem.ts';
import { hasOpenssl, openBench, type OpensslBench } from './testing/openssl.ts';
import {
  CENTURY,
  createTestAuthority,
  issueServer,
  issueWorkload,
  NOW,
  parsed,
  spkiOf,
  WEB,
} from './testing/test-authority.ts';
import { checkWorkloadProfile } from './svid/workload-profile.ts';
import { verifySvid } from './svid/verify.ts';

const authority = await createTestAuthority();
const { root, intermediate } = authority;
const leafKey = generateKeyPair();
const leaf = await issueWorkload(authority, { publicKeyDer: spkiOf(leafKey) });
const at = String(NOW / 1000);
/** For judges that look at the wall clock. */
const lasting = await createTestAuthority('cluster.local', CENTURY);

describe('the openssl command', { skip: hasOpenssl() ? false : 'there is no openssl command here' }, () => {
  let bench: OpensslBench;
  before(() => {
    bench = openBench();
    bench.put('root.pem', toPem(root));
    bench.put('intermediate.pem', toPem(intermediate));
    bench.put('leaf.pem', toPem(leaf));
  });
  after(() => bench.close());

  const verify = (...args: readonly string[]): string =>
    bench.run('verify', '-x509_strict', '-attime', at, '-CAfile', 'root.pem', ...args);

  for (const purpose of ['sslclient', 'sslserver']) {
    it(`verifies the chain strictly for ${purpose}`, () => {
      assert.match(verify('-purpose', purpose, '-untrusted', 'intermediate.pem', 'leaf.pem'), /leaf.pem: OK/);
    });
  }

  it('verifies a workload without subject and a server with names', async () => {
    bench.put('bare.pem', toPem(await issueWorkload(authority, { emptySubject: true })));
    bench.put('server.pem', toPem(await issueServer(authority, { dnsNames: ['localhost'], ipAddresses: ['::1'] })));
    assert.match(verify('-untrusted', 'intermediate.pem', 'bare.pem'), /bare.pem: OK/);
    assert.match(
      verify('-untrusted', 'intermediate.pem', '-verify_hostname', 'localhost', 'server.pem'),
      /server.pem: OK/,
    );
    assert.match(verify('-untrusted', 'intermediate.pem', '-verify_ip', '::1', 'server.pem'), /server.pem: OK/);
  });

  it('refuses the chain after its end, as we do', () => {
    const late = String(NOW / 1000 + 7200);
    assert.throws(() =>
      bench.run('verify', '-attime', late, '-CAfile', 'root.pem', '-untrusted', 'intermediate.pem', 'leaf.pem'),
    );
  });

  it('prints the profile of a workload', () => {
    const text = bench.run('x509', '-in', 'leaf.pem', '-noout', '-text');
    for (const line of [
      /Version: 3 \(0x2\)/,
      /Signature Algorithm: ecdsa-with-SHA256/,
      /Subject: O = Rampart|Subject: O=Rampart/,
      /NIST CURVE: P-256/,
      /X509v3 Basic Constraints: critical\s+CA:FALSE/,
      /X509v3 Key Usage: critical\s+Digital Signature\n/,
      /X509v3 Extended Key Usage: ?\s+TLS Web Server Authentication, TLS Web Client Authentication\n/,
      /X509v3 Subject Key Identifier/,
      /X509v3 Authority Key Identifier/,
      /X509v3 Subject Alternative Name: ?\s+URI:spiffe:\/\/cluster.local\/ns\/default\/sa\/web\n/,
    ]) {
      assert.match(text, line);
    }
  });

  it('prints the profile of the authorities', () => {
    const text = (file: string): string => bench.run('x509', '-in', file, '-noout', '-text');
    assert.match(text('root.pem'), /X509v3 Basic Constraints: critical\s+CA:TRUE, pathlen:1/);
    assert.match(text('intermediate.pem'), /X509v3 Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
    for (const file of ['root.pem', 'intermediate.pem']) {
      assert.match(text(file), /X509v3 Key Usage: critical\s+Certificate Sign, CRL Sign/);
      assert.match(text(file), /URI:spiffe:\/\/cluster.local\n/);
    }
  });

  it('prints the very same DER again', () => {
    const again = fromPem(bench.run('x509', '-in', 'leaf.pem', '-outform', 'PEM'));
    assert.deepEqual(again, [leaf]);
    bench.run('asn1parse', '-in', 'leaf.pem', '-strparse', '4', '-noout');
  });

  it('verifies our requests, and we its', () => {
    bench.put('request.pem', toPem(createCsr(leafKey), 'CERTIFICATE REQUEST'));
    bench.run('req', '-in', 'request.pem', '-verify', '-noout');
    bench.put('key.pem', leafKey.privateKeyPem());
    const names = 'subjectAltName=URI:spiffe://cluster.local/ns/admin/sa/root';
    const [theirs] = fromPem(
      bench.run('req', '-new', '-key', 'key.pem', '-subj', '/CN=me', '-addext', names),
      'CERTIFICATE REQUEST',
    );
    const request = parseCsr(theirs ?? new Uint8Array());
    assert.ok(request.ok);
    const publicKey = createPublicKey({ key: Buffer.from(request.value.publicKeyDer), format: 'der', type: 'spki' });
    assert.ok(publicKey.equals(leafKey.publicKey));
  });

  it('makes an SVID that we accept', () => {
    bench.put('lasting-root.pem', toPem(lasting.root));
    bench.put('lasting-key.pem', lasting.rootKey.privateKeyPem());
    bench.put(
      'svid.ext',
      [
        'basicConstraints=critical,CA:FALSE',
        'keyUsage=critical,digitalSignature,keyAgreement',
        'extendedKeyUsage=serverAuth,clientAuth',
        'subjectKeyIdentifier=hash',
        'authorityKeyIdentifier=keyid,issuer',
        `subjectAltName=URI:${WEB},DNS:web.default.svc`,
      ].join('\n'),
    );
    bench.put('their-key.pem', generateKeyPair().privateKeyPem());
    bench.put('their-request.pem', bench.run('req', '-new', '-key', 'their-key.pem', '-subj', '/O=Elsewhere/CN=web'));
    const [svid] = fromPem(
      bench.run(
        'x509',
        '-req',
        '-in',
        'their-request.pem',
        '-CA',
        'lasting-root.pem',
        '-CAkey',
        'lasting-key.pem',
        '-extfile',
        'svid.ext',
        '-days',
        '1',
        '-set_serial',
        '0xdeadbeef',
      ),
    );
    const certificate = parsed(svid ?? new Uint8Array());
    assert.equal(certificate.serial, 'deadbeef');
    assert.deepEqual(certificate.dnsSans, ['web.default.svc']);
    const verified = verifySvid([certificate.der], { roots: [lasting.root], at: certificate.notBefore });
    assert.ok(verified.ok, verified.ok ? '' : verified.problem.message);
    assert.equal(verified.value.spiffeId.toString(), WEB);
  });
});

describe('the roots of the public web', () => {
  it('are readable, but for old ones that break RFC 5280, and none is a workload', () => {
    assert.ok(rootCertificates.length > 100);
    const problems = new Set<string>();
    for (const pem of rootCertificates) {
      const [der] = fromPem(pem);
      const certificate = parseCertificate(der ?? new Uint8Array());
      if (!certificate.ok) problems.add(certificate.problem);
      else assert.ok(certificate.value.isCa && !checkWorkloadProfile(certificate.value).ok);
    }
    // §4.1.2.5: GeneralizedTime before 2050. Which of those are there depends on the release of Node.
    problems.delete('the start of validity should be a UTCTime');
    assert.deepEqual([...problems], []);
  });
});

describe('TLS', () => {
  it('runs on what is built here, both sides, and shows the peer the same certificate', async () => {
    const serverKey = generateKeyPair();
    const spiffeId = SpiffeId.of('spiffe://cluster.local/ns/default/sa/api');
    const names = { spiffeId, dnsNames: ['localhost'] };
    const server = await issueServer(lasting, { ...names, publicKeyDer: spkiOf(serverKey), ...CENTURY });
    const client = await issueWorkload(lasting, { publicKeyDer: spkiOf(leafKey), ...CENTURY });
    const chain = toPem(lasting.intermediate);
    const both = { ca: toPem(lasting.root), minVersion: 'TLSv1.3' } as const;
    const serving = { ...both, requestCert: true, key: serverKey.privateKeyPem(), cert: toPem(server) + chain };
    const dialing = { ...both, servername: 'localhost', key: leafKey.privateKeyPem(), cert: toPem(client) + chain };
    const [seenByServer, seenByClient] = await shakeHands(serving, dialing);
    assert.deepEqual(seenByServer, client);
    assert.deepEqual(seenByClient, server);
  });
});

/** The certificate that each side saw, the server's view first. */
async function shakeHands(serving: TlsOptions, dialing: ConnectionOptions): Promise<readonly Uint8Array[]> {
  const listener = createServer(serving);
  try {
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const address = listener.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const accepted = new Promise<TLSSocket>((resolve) => listener.once('secureConnection', resolve));
    const socket = connect({ ...dialing, host: '127.0.0.1', port });
    await once(socket, 'secureConnect');
    const peers = [await accepted, socket].map((side) => new Uint8Array(side.getPeerX509Certificate()?.raw ?? []));
    socket.destroy();
    return peers;
  } finally {
    listener.close();
  }
}
