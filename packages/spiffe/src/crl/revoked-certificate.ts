import { decodeSerial, readSerial } from '../certificate/serial.ts';
import { OID } from '../der/oid.ts';
import { readBoolean, readOid } from '../der/primitives.ts';
import { DerProblem, type DerReader } from '../der/reader.ts';
import { TAG } from '../der/tag.ts';
import { encodeTime, readTime } from '../der/time.ts';
import { encode, octetString, oid, sequence, unsignedInteger } from '../der/writer.ts';

/** CRLReason by its number (RFC 5280 §5.3.1); 7 is not used, 8 belongs to delta lists, 9 and 10 to attribute certificates. */
const REASONS = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
] as const;

export type RevocationReason = (typeof REASONS)[number] | 'privilegeWithdrawn';

const PRIVILEGE_WITHDRAWN = 9;

/** The number of a reason (CRLReason). */
export function reasonNumber(reason: RevocationReason): number {
  return reason === 'privilegeWithdrawn' ? PRIVILEGE_WITHDRAWN : REASONS.indexOf(reason);
}

/** The reason with a number; undefined for numbers that mean none. */
export function reasonOfNumber(number: number): RevocationReason | undefined {
  return number === PRIVILEGE_WITHDRAWN ? 'privilegeWithdrawn' : REASONS[number];
}

/** The reason with a name (RFC 5280 §5.3.1). */
export function reasonOfName(name: string): RevocationReason | undefined {
  return name === 'privilegeWithdrawn' ? name : REASONS.find((reason) => reason === name);
}

/** Every name of a reason. */
export const REVOCATION_REASONS: readonly RevocationReason[] = [...REASONS, 'privilegeWithdrawn'];

/** One line of a revocation list. */
export interface RevokedCertificate {
  /** Lower-case hex, two digits a byte, without the sign byte. */
  readonly serial: string;
  /** Unix milliseconds, cut down to whole seconds. */
  readonly at: number;
  /** Absent means unspecified. */
  readonly reason?: RevocationReason;
}

export function encodeRevoked({ serial, at, reason = 'unspecified' }: RevokedCertificate): Uint8Array {
  // "Unspecified" SHOULD be left out (RFC 5280 §5.3.1).
  const extensions = reason === 'unspecified' ? [] : [sequence(encodeReason(reason))];
  return sequence(unsignedInteger(decodeSerial(serial)), encodeTime(at), ...extensions);
}

export function readRevoked(list: DerReader): RevokedCertificate {
  const what = 'a revoked certificate';
  const fields = list.enter(TAG.sequence, what);
  const serial = readSerial(fields);
  const at = readTime(fields, 'the time of a revocation');
  const extensions = fields.enterOptional(TAG.sequence, what);
  fields.end(what);
  const reason = extensions === undefined ? undefined : readReason(extensions);
  return { serial, at, ...(reason === undefined ? {} : { reason }) };
}

function encodeReason(reason: RevocationReason): Uint8Array {
  return sequence(oid(OID.crlReason), octetString(encode(TAG.enumerated, Uint8Array.of(reasonNumber(reason)))));
}

/** Other extensions are passed over unless they are critical: those change what the line is about (RFC 5280 §5.3). */
function readReason(extensions: DerReader): RevocationReason | undefined {
  let reason: RevocationReason | undefined;
  while (!extensions.done) {
    const fields = extensions.enter(TAG.sequence, 'an extension');
    const name = readOid(fields, 'the name of an extension');
    const isCritical = fields.peek() === TAG.boolean && readBoolean(fields, `extension ${name}`);
    const value = fields.enter(TAG.octetString, `extension ${name}`);
    fields.end(`extension ${name}`);
    if (name === OID.crlReason) reason = reasonOf(value.element(TAG.enumerated, 'the reason').content);
    else if (isCritical) throw new DerProblem(`extension ${name} of a revoked certificate cannot be honoured`);
  }
  return reason;
}

function reasonOf(content: Uint8Array): RevocationReason {
  const number = content.length === 1 ? content[0] : undefined;
  const reason = number === undefined ? undefined : reasonOfNumber(number);
  if (reason === undefined) throw new DerProblem('the reason of a revocation is unknown');
  return reason;
}
