import { RampartError } from '@rampart/core';
import type { ParsedCertificate } from '../certificate/parsed-certificate.ts';
import { isSerial } from '../certificate/serial.ts';
import { OID } from '../der/oid.ts';
import { encodeTime } from '../der/time.ts';
import {
  bitString,
  contextConstructed,
  octetString,
  oid,
  sequence,
  smallInteger,
  unsignedInteger,
} from '../der/writer.ts';
import type { TbsSigner } from '../issuance/builder.ts';
import * as write from '../issuance/extension-writer.ts';
import { isCrlOf, parseCrl } from './parse.ts';
import { encodeRevoked, type RevokedCertificate } from './revoked-certificate.ts';

/** What a revocation list is to say. */
export interface CrlTemplate {
  /** The authority whose certificates are revoked; its key usage has cRLSign. */
  readonly issuer: ParsedCertificate;
  /** Greater than that of every list of this issuer before. */
  readonly number: number | bigint;
  /** Unix milliseconds, cut down to whole seconds. */
  readonly thisUpdate: number;
  /** When the next list is there at the latest. */
  readonly nextUpdate: number;
  readonly revoked: readonly RevokedCertificate[];
}

const VERSION_2 = 1;
const MOST_NUMBER = 2n ** 159n;

/**
 * Builds a complete revocation list (RFC 5280 §5: version 2, number and authority key identifier) and has it signed:
 * ECDSA P-256 with SHA-256. It is read back and its signature verified before it is given out.
 * @throws RampartError INVALID_ARGUMENT for a template that no correct list can come from.
 * @throws RampartError INTERNAL when what came out is not what was asked for: a wrong key behind `sign`, or a bug.
 */
export async function buildCrl(template: CrlTemplate, sign: TbsSigner): Promise<Uint8Array> {
  checkTemplate(template);
  const tbs = signedPart(template);
  const der = sequence(tbs, signatureAlgorithm(), bitString(await sign(tbs)));
  checkBuilt(der, template);
  return der;
}

function signedPart({ issuer, number, thisUpdate, nextUpdate, revoked }: CrlTemplate): Uint8Array {
  // Joined first: a function takes no hundred thousand arguments.
  const list = revoked.length === 0 ? [] : [sequence(Buffer.concat(revoked.map(encodeRevoked)))];
  const keyId = issuer.subjectKeyId ?? write.keyIdOf(issuer.publicKey.bits);
  return sequence(
    smallInteger(VERSION_2),
    signatureAlgorithm(),
    issuer.subject,
    encodeTime(thisUpdate),
    encodeTime(nextUpdate),
    ...list,
    contextConstructed(0, sequence(write.authorityKeyId(keyId), crlNumber(BigInt(number)))),
  );
}

function signatureAlgorithm(): Uint8Array {
  return sequence(oid(OID.ecdsaWithSha256));
}

function crlNumber(number: bigint): Uint8Array {
  const hex = number.toString(16);
  const magnitude = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return sequence(oid(OID.crlNumber), octetString(unsignedInteger(magnitude)));
}

function checkTemplate({ issuer, number, thisUpdate, nextUpdate, revoked }: CrlTemplate): void {
  demand(issuer.keyUsage?.has('cRLSign') ?? false, 'the key usage of the issuer lacks cRLSign');
  const isWhole = typeof number === 'bigint' || Number.isSafeInteger(number);
  demand(isWhole && number >= 0 && BigInt(number) < MOST_NUMBER, 'number is not a whole number of at most 20 bytes');
  demand(Math.floor(nextUpdate / 1000) > Math.floor(thisUpdate / 1000), 'nextUpdate is not after thisUpdate');
  const wrong = revoked.find(({ serial }) => !isSerial(serial));
  demand(
    wrong === undefined,
    `revoked holds ${JSON.stringify(wrong?.serial)}, which is not the hex of a serial number`,
  );
  demand(new Set(revoked.map(({ serial }) => serial)).size === revoked.length, 'revoked holds a serial number twice');
}

function demand(condition: boolean, what: string): void {
  if (!condition) throw new RampartError('INVALID_ARGUMENT', `revocation list: ${what}`);
}

function checkBuilt(der: Uint8Array, { issuer, revoked }: CrlTemplate): void {
  const parsed = parseCrl(der);
  if (!parsed.ok) throw unfit(parsed.problem);
  if (!isCrlOf(parsed.value, issuer)) throw unfit('the signature is not by the key of its issuer');
  if (parsed.value.revoked.length !== revoked.length) throw unfit('it does not hold what is revoked');
}

function unfit(why: string): RampartError {
  return new RampartError('INTERNAL', `a revocation list that was just built is not fit to leave: ${why}`);
}
