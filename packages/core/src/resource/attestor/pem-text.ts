import type { Cursor } from '../cursor.ts';

const CERTIFICATES = /^(?:\s*-----BEGIN CERTIFICATE-----\s+[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)+$/;
const MAX_LENGTH = 256 * 1024;

/** PEM certificates as text; whether they can be read is for who uses them to say. */
export function readCertificates(at: Cursor): string | undefined {
  const text = at.lines('PEM certificates');
  if (text === undefined) return undefined;
  if (text.length > MAX_LENGTH) return at.error(`must be at most ${MAX_LENGTH} characters long`);
  if (text.includes('PRIVATE KEY')) return at.error('holds a private key: give the certificates only');
  return CERTIFICATES.test(text) ? text : at.error('must be certificates in PEM, -----BEGIN CERTIFICATE-----, only');
}
