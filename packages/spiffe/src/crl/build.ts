import { RampartError } from '@rampart/core';
import type { ParsedCertificate } from '../certificate/parsed-certificate.ts';
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
import { CrlLines } from './lines.ts';
import { isCrlOf, parseCrlAround } from './parse.ts';
import type { RevokedCertificate } from './revoked-certificate.ts';

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
  readonly revoked: readonly RevokedCertificate[] | CrlLines;
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
  const lines = linesOf(template.revoked);
  const tbs = signedPart(template, lines);
  const der = sequence(tbs, signatureAlgorithm(), bitString(await sign(tbs)));
  checkBuilt(der, template, lines);
  return der;
}

function linesOf(revoked: CrlTemplate['revoked']): Uint8Array {
  if (revoked instanceof CrlLines) return revoked.bytes();
  const lines = new CrlLines();
  lines.add(revoked);
  return lines.bytes();
}

function signedPart({ issuer, number, thisUpdate, nextUpdate }: CrlTemplate, lines: Uint8Array): Uint8Array {
  const list = lines.length === 0 ? [] : [sequence(lines)];
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

function checkTemplate({ issuer, number, thisUpdate, nextUpdate }: CrlTemplate): void {
  demand(issuer.keyUsage?.has('cRLSign') ?? false, 'the key usage of the issuer lacks cRLSign');
  const isWhole = typeof number === 'bigint' || Number.isSafeInteger(number);
  demand(isWhole && number >= 0 && BigInt(number) < MOST_NUMBER, 'number is not a whole number of at most 20 bytes');
  demand(Math.floor(nextUpdate / 1000) > Math.floor(thisUpdate / 1000), 'nextUpdate is not after thisUpdate');
}

function demand(condition: boolean, what: string): void {
  if (!condition) throw new RampartError('INVALID_ARGUMENT', `revocation list: ${what}`);
}

function checkBuilt(der: Uint8Array, { issuer }: CrlTemplate, lines: Uint8Array): void {
  const parsed = parseCrlAround(der);
  if (!parsed.ok) throw unfit(parsed.problem);
  if (!isCrlOf(parsed.value, issuer)) throw unfit('the signature is not by the key of its issuer');
  // The lines were read back as they were written.
  if (Buffer.compare(parsed.value.lines, lines) !== 0) throw unfit('it does not hold what is revoked');
}

function unfit(why: string): RampartError {
  return new RampartError('INTERNAL', `a revocation list that was just built is not fit to leave: ${why}`);
}
