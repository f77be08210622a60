import { sign } from 'node:crypto';
import { OID } from '../der/oid.ts';
import { encodeTime } from '../der/time.ts';
import {
  bitString,
  context,
  contextConstructed,
  encode,
  oid,
  sequence,
  set,
  smallInteger,
  unsignedInteger,
  utf8String,
} from '../der/writer.ts';
import * as write from '../issuance/extension-writer.ts';
import { generateKeyPair, type KeyPair } from '../key-pair.ts';
import { HOUR, NOW, parsed, spkiOf, type TestAuthority, WEB } from './test-authority.ts';

/** Every field of a certificate, right or wrong: what the builder would never let out. */
export interface Forgery {
  readonly version: readonly Uint8Array[];
  readonly serial: Uint8Array;
  readonly algorithm: Uint8Array;
  readonly outerAlgorithm: Uint8Array;
  readonly issuer: Uint8Array;
  readonly notBefore: Uint8Array;
  readonly notAfter: Uint8Array;
  readonly subject: Uint8Array;
  readonly publicKeyDer: Uint8Array;
  readonly extensions: Readonly<Record<string, Uint8Array | undefined>>;
  readonly signingKey: KeyPair;
  readonly digest: string;
}

const ECDSA_SHA256: Uint8Array = sequence(oid(OID.ecdsaWithSha256));

export function name(commonName: string): Uint8Array {
  return sequence(set(sequence(oid(OID.commonName), utf8String(commonName))));
}

/** A SubjectAltName extension with these URIs. */
export function uriNames(...uris: readonly string[]): Uint8Array {
  const names = uris.map((uri) => context(6, new TextEncoder().encode(uri)));
  return sequence(oid(OID.subjectAltName), encode(0x04, sequence(...names)));
}

export function extension(
  dotted: string,
  options: { readonly critical: boolean; readonly value: Uint8Array },
): Uint8Array {
  const critical = options.critical ? [encode(0x01, Uint8Array.of(0xff))] : [];
  return sequence(oid(dotted), ...critical, encode(0x04, options.value));
}

/** A good workload certificate below the intermediate of `authority`, but for `changes`. */
export function forgeWorkload(authority: TestAuthority, changes: Partial<Forgery> = {}): Uint8Array {
  const issuer = parsed(authority.intermediate);
  return forge({
    version: [contextConstructed(0, smallInteger(2))],
    serial: unsignedInteger(Uint8Array.of(0x42)),
    algorithm: ECDSA_SHA256,
    outerAlgorithm: changes.algorithm ?? ECDSA_SHA256,
    issuer: issuer.subject,
    notBefore: encodeTime(NOW - HOUR),
    notAfter: encodeTime(NOW + HOUR),
    subject: name('forged'),
    publicKeyDer: spkiOf(generateKeyPair()),
    signingKey: authority.intermediateKey,
    digest: 'sha256',
    ...changes,
    extensions: { ...goodExtensions(), ...changes.extensions },
  });
}

/** A good CA certificate below the root of `authority`, but for `changes`. */
export function forgeAuthority(authority: TestAuthority, changes: Partial<Forgery> = {}): Uint8Array {
  return forgeWorkload(authority, {
    issuer: parsed(authority.root).subject,
    signingKey: authority.rootKey,
    subject: parsed(authority.intermediate).subject,
    publicKeyDer: spkiOf(authority.intermediateKey),
    ...changes,
    extensions: {
      basicConstraints: write.basicConstraints(0),
      keyUsage: write.keyUsage('keyCertSign', 'cRLSign'),
      extendedKeyUsage: undefined,
      subjectAltName: uriNames(`spiffe://${authority.trustDomain.name}`),
      ...changes.extensions,
    },
  });
}

function goodExtensions(): Forgery['extensions'] {
  return {
    basicConstraints: write.leafConstraints(),
    keyUsage: write.keyUsage('digitalSignature'),
    extendedKeyUsage: write.bothSidesOfTls(),
    subjectAltName: uriNames(WEB),
  };
}

function forge(forgery: Forgery): Uint8Array {
  const extensions = Object.values(forgery.extensions).filter((value) => value !== undefined);
  const tbs = sequence(
    ...forgery.version,
    forgery.serial,
    forgery.algorithm,
    forgery.issuer,
    sequence(forgery.notBefore, forgery.notAfter),
    forgery.subject,
    forgery.publicKeyDer,
    ...(extensions.length === 0 ? [] : [contextConstructed(3, sequence(...extensions))]),
  );
  const signature = new Uint8Array(sign(forgery.digest, tbs, forgery.signingKey.privateKey));
  return sequence(tbs, forgery.outerAlgorithm, bitString(signature));
}
