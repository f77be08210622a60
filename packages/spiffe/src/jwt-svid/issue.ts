import { type KeyObject, verify } from 'node:crypto';
import { RampartError, type SpiffeId } from '@rampart/core';
import { keyObjectOf, toPublicJwk } from '../bundle/public-jwk.ts';
import { readInteger } from '../der/primitives.ts';
import { decodeDer } from '../der/reader.ts';
import { TAG } from '../der/tag.ts';
import { sequence, unsignedInteger } from '../der/writer.ts';
import { algorithmOf } from './algorithms.ts';
import { parseJwtSvid } from './parse.ts';

/** What a JWT-SVID is to say. */
export interface JwtSvidClaims {
  readonly spiffeId: SpiffeId;
  /** Who may accept it: at least one, none of them empty. */
  readonly audience: readonly string[];
  /** Unix milliseconds, cut down to whole seconds. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** `jti` */
  readonly id?: string;
  /** `iss`: OpenID Connect relying parties ask for it. */
  readonly issuer?: string;
}

/** An EC P-256 or RSA key that may be in another's hardware. */
export interface JwtSvidKey {
  readonly signer: {
    /** SubjectPublicKeyInfo, DER. */
    readonly publicKeyDer: Uint8Array;
    /** ECDSA P-256 with SHA-256 over the data, the DER SEQUENCE of r and s; by RSA, RSASSA-PKCS1-v1_5 with SHA-256. */
    sign(data: Uint8Array): Promise<Uint8Array>;
  };
  /** The `kid` under which the bundle of the trust domain has this key. */
  readonly keyId: string;
}

const COORDINATE_OCTETS = 32;

/**
 * Issues a JWT-SVID (JWT-SVID.md): ES256, or RS256 by an RSA key; header of `alg`, `kid` and `typ`. It is read back by the profile and its signature
 * verified before it is given out.
 * @throws RampartError INVALID_ARGUMENT for claims that no correct token can come from.
 * @throws RampartError INTERNAL when what came out is not what was asked for: a wrong key behind the signer, or a bug.
 */
export async function issueJwtSvid(claims: JwtSvidClaims, key: JwtSvidKey): Promise<string> {
  checkClaims(claims);
  if (key.keyId === '') throw new RampartError('INVALID_ARGUMENT', 'JWT-SVID: keyId is empty');
  const { publicKey, algorithm } = signingKeyOf(key.signer);
  const signed = `${encode({ alg: algorithm, kid: key.keyId, typ: 'JWT' })}.${encode(payloadOf(claims))}`;
  const made = await key.signer.sign(Buffer.from(signed));
  const signature = algorithm === 'ES256' ? toFixedLength(made) : made;
  const token = `${signed}.${Buffer.from(signature).toString('base64url')}`;
  checkIssued(token, { publicKey, algorithm, signed, signature, claims });
  return token;
}

/** Reading a key costs as much as using it; a signer's is used for many tokens. */
const signingKeys = new WeakMap<JwtSvidKey['signer'], SigningKey>();

interface SigningKey {
  readonly publicKey: KeyObject;
  readonly algorithm: 'ES256' | 'RS256';
}

function signingKeyOf(signer: JwtSvidKey['signer']): SigningKey {
  const known = signingKeys.get(signer);
  if (known !== undefined) return known;
  const jwk = toPublicJwk(signer.publicKeyDer);
  const algorithm = jwk === undefined ? undefined : algorithmOf(jwk);
  if (jwk === undefined || (algorithm !== 'ES256' && algorithm !== 'RS256')) {
    throw new RampartError('INVALID_ARGUMENT', 'JWT-SVID: the key is neither EC P-256 nor RSA of 2048 bits or more');
  }
  const key = { publicKey: keyObjectOf(jwk), algorithm };
  signingKeys.set(signer, key);
  return key;
}

function payloadOf({ spiffeId, audience, issuedAt, expiresAt, id, issuer }: JwtSvidClaims): object {
  return {
    ...(issuer === undefined ? {} : { iss: issuer }),
    sub: spiffeId.toString(),
    // The schema of the standard knows one text only; its words know several.
    aud: audience.length === 1 ? audience[0] : audience,
    exp: Math.floor(expiresAt / 1000),
    iat: Math.floor(issuedAt / 1000),
    ...(id === undefined ? {} : { jti: id }),
  };
}

function checkClaims({ spiffeId, audience, issuedAt, expiresAt }: JwtSvidClaims): void {
  demand(spiffeId.path !== '', 'spiffeId names a trust domain, not a workload');
  demand(audience.length > 0 && audience.every((name) => name !== ''), 'audience is empty, or one of its names is');
  demand(new Set(audience).size === audience.length, 'audience names somebody twice');
  demand(Math.floor(expiresAt / 1000) > Math.floor(issuedAt / 1000), 'expiresAt is not after issuedAt');
}

function demand(condition: boolean, what: string): void {
  if (!condition) throw new RampartError('INVALID_ARGUMENT', `JWT-SVID: ${what}`);
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** r and s side by side, each as long as the curve's field (RFC 7518 §3.4), from the DER SEQUENCE of them (RFC 3279 §2.2.3). */
function toFixedLength(der: Uint8Array): Uint8Array {
  const read = decodeDer(der, (reader) => {
    const fields = reader.enter(TAG.sequence, 'the signature');
    const pair = [readInteger(fields, 'r'), readInteger(fields, 's')];
    fields.end('the signature');
    return pair.map((octets) => (octets[0] === 0 ? octets.subarray(1) : octets));
  });
  const fits = read.ok && read.value.every((octets) => octets.length <= COORDINATE_OCTETS);
  if (!fits) throw unfit('the signer gave no ECDSA P-256 signature');
  const signature = new Uint8Array(2 * COORDINATE_OCTETS);
  for (const [index, octets] of read.value.entries()) {
    signature.set(octets, (index + 1) * COORDINATE_OCTETS - octets.length);
  }
  return signature;
}

/** The other way round, from what stands in the token. */
function toDer(signature: Uint8Array): Uint8Array {
  const [r, s] = [signature.subarray(0, COORDINATE_OCTETS), signature.subarray(COORDINATE_OCTETS)];
  return sequence(unsignedInteger(r), unsignedInteger(s));
}

interface Issued extends SigningKey {
  readonly signed: string;
  readonly signature: Uint8Array;
  readonly claims: JwtSvidClaims;
}

function checkIssued(token: string, { publicKey, algorithm, signed, signature, claims }: Issued): void {
  // In DER: asked to read the other form, node:crypto takes half as long again.
  const inDer = algorithm === 'ES256' ? toDer(signature) : signature;
  if (!verify('sha256', Buffer.from(signed), publicKey, inDer))
    throw unfit('the signature is not by the key it was asked of');
  const parsed = parseJwtSvid(token);
  if (!parsed.ok) throw unfit(parsed.problem.message);
  if (!parsed.value.spiffeId.equals(claims.spiffeId)) throw unfit('it names another identity');
}

function unfit(why: string): RampartError {
  return new RampartError('INTERNAL', `a JWT-SVID that was just made is not fit to leave: ${why}`);
}
