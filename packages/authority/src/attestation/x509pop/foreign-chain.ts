import { X509Certificate } from 'node:crypto';
import { fail, ok } from '@rampart/core';
import type { Result } from '@rampart/core';
import { parseCertificate, unhonouredExtensions } from '@rampart/spiffe';
import type { ParsedCertificate } from '@rampart/spiffe';
import { disbelieve } from '../evidence.ts';
import type { EvidenceProblem } from '../evidence.ts';

/** A certificate of another authority: what it says, and its signature's means. */
export interface ForeignCertificate {
  readonly parsed: ParsedCertificate;
  readonly x509: X509Certificate;
}

export interface ForeignTrust {
  readonly roots: readonly ForeignCertificate[];
  readonly maxIntermediates: number;
  readonly maxRsaBits: number;
  /** Unix milliseconds. */
  readonly at: number;
}

/** Leaf, intermediates and root of a chain that holds. */
export type ForeignPath = readonly [leaf: ForeignCertificate, ...issuers: ForeignCertificate[]];

type Refusal = Result<never, EvidenceProblem>;

/** RFC 5758 §3.2, RFC 4055 §5, RFC 8410: nothing with SHA-1 or MD5, and no RSA-PSS, whose parameters may name them. */
const SIGNATURES: ReadonlySet<string> = new Set([
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.3.101.112',
]);
const MIN_RSA_BITS = 2048;
/** 2^16 + 1 is what everybody uses; a huge exponent is only there to cost time. */
const MAX_RSA_EXPONENT = 2n ** 32n;

/** Reads a certificate; the problem says what is wrong with its form. */
export function readForeign(der: Uint8Array): Result<ForeignCertificate, string> {
  const parsed = parseCertificate(der);
  if (!parsed.ok) return parsed;
  try {
    return ok({ parsed: parsed.value, x509: new X509Certificate(parsed.value.der) });
  } catch {
    return fail('OpenSSL cannot read it');
  }
}

/**
 * Validates a chain, leaf first, each further certificate the issuer of the one before (RFC 5280 §6, without policies and name
 * constraints: a CA with the latter is refused). Every key is measured before anything is verified with it.
 */
export function verifyForeignChain(
  chain: readonly Uint8Array[],
  trust: ForeignTrust,
): Result<ForeignPath, EvidenceProblem> {
  if (chain.length > trust.maxIntermediates + 1) {
    const message = `${chain.length - 1} intermediates were sent, at most ${trust.maxIntermediates} are taken`;
    return disbelieve('x509pop-too-many-intermediates', message);
  }
  const sent: ForeignCertificate[] = [];
  for (const [index, der] of chain.entries()) {
    const certificate = readForeign(der);
    if (!certificate.ok)
      return disbelieve('x509pop-malformed', `certificate ${index + 1} of the chain: ${certificate.problem}`);
    const key = keyRefusal(certificate.value, trust);
    if (key !== undefined) return key;
    sent.push(certificate.value);
  }
  const [leaf, ...rest] = sent;
  if (leaf === undefined) return disbelieve('x509pop-malformed', 'no certificate was sent');
  const path = pathOf([leaf, ...rest], trust);
  if (!path.ok) return path;
  return leafRefusal(leaf, trust) ?? issuersRefusal(path.value, trust) ?? path;
}

function pathOf(
  chain: readonly [ForeignCertificate, ...ForeignCertificate[]],
  { roots }: ForeignTrust,
): Result<ForeignPath, EvidenceProblem> {
  const [leaf, ...intermediates] = chain;
  const path: [ForeignCertificate, ...ForeignCertificate[]] = [leaf];
  for (const candidate of [undefined, ...intermediates]) {
    const child = path.at(-1) ?? leaf;
    if (candidate !== undefined) {
      if (!signed(candidate, child)) break;
      path.push(candidate);
    }
    const last = path.at(-1) ?? leaf;
    const root = roots.find((one) => signed(one, last));
    if (root !== undefined) return ok([...path, root]);
  }
  return disbelieve('x509pop-untrusted', 'the chain does not lead to a root of an attestor');
}

function signed(issuer: ForeignCertificate, child: ForeignCertificate): boolean {
  if (Buffer.compare(issuer.parsed.subject, child.parsed.issuer) !== 0) return false;
  if (!SIGNATURES.has(child.parsed.signatureAlgorithm)) return false;
  try {
    return child.x509.verify(issuer.x509.publicKey);
  } catch {
    return false;
  }
}

function keyRefusal({ x509 }: ForeignCertificate, { maxRsaBits }: ForeignTrust): Refusal | undefined {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details = {} } = x509.publicKey;
  if (type !== 'rsa') return undefined;
  const { modulusLength = 0, publicExponent = 0n } = details;
  if (modulusLength < MIN_RSA_BITS || modulusLength > maxRsaBits || publicExponent > MAX_RSA_EXPONENT) {
    const message = `an RSA key has ${modulusLength} bits; ${MIN_RSA_BITS} to ${maxRsaBits} are taken, with a small exponent`;
    return disbelieve('x509pop-rsa-size', message);
  }
  return undefined;
}

function leafRefusal({ parsed }: ForeignCertificate, { at }: ForeignTrust): Refusal | undefined {
  if (parsed.isCa) return disbelieve('x509pop-leaf-is-ca', 'the certificate is one of a CA');
  if (parsed.keyUsage?.has('digitalSignature') === false) {
    return disbelieve('x509pop-key-usage', 'the certificate is not meant for digital signatures');
  }
  return extensionRefusal(parsed) ?? timeRefusal(parsed, at);
}

function issuersRefusal(path: ForeignPath, { at }: ForeignTrust): Refusal | undefined {
  for (const [index, { parsed }] of path.entries()) {
    if (index === 0) continue;
    const mayIssue = parsed.isCa && parsed.keyUsage?.has('keyCertSign') !== false;
    if (!mayIssue)
      return disbelieve('x509pop-issuer-is-no-ca', `issuer ${index} of the chain may not sign certificates`);
    if (parsed.pathLength !== undefined && index - 1 > parsed.pathLength) {
      return disbelieve('x509pop-path-length', `issuer ${index} allows ${parsed.pathLength} intermediates below it`);
    }
    const refusal = extensionRefusal(parsed) ?? timeRefusal(parsed, at);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function extensionRefusal(parsed: ParsedCertificate): Refusal | undefined {
  const [first] = unhonouredExtensions(parsed);
  return first === undefined ? undefined : disbelieve('x509pop-extension', `extension ${first} cannot be honoured`);
}

function timeRefusal({ notBefore, notAfter }: ParsedCertificate, at: number): Refusal | undefined {
  if (at < notBefore) {
    return disbelieve(
      'x509pop-not-yet-valid',
      `a certificate is not valid before ${new Date(notBefore).toISOString()}`,
    );
  }
  return at <= notAfter
    ? undefined
    : disbelieve('x509pop-expired', `a certificate expired at ${new Date(notAfter).toISOString()}`);
}
