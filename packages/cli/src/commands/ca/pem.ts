import { RampartError } from '@rampart/core';

const LINE = 64;

/** Textual encoding of DER (RFC 7468). */
export function pemOf(der: Uint8Array, label: 'CERTIFICATE' | 'CERTIFICATE REQUEST'): string {
  const base64 = Buffer.from(der).toString('base64');
  const lines = base64.match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/**
 * The DER of every block with this label, in order; the control plane judges what is in them.
 * @throws RampartError INVALID_CERTIFICATE when the file holds none.
 */
export function derOf(text: string, label: 'CERTIFICATE' | 'CERTIFICATE REQUEST', file: string): Uint8Array[] {
  const block = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`, 'g');
  const found = [...text.matchAll(block)].map(([, body = '']) => new Uint8Array(Buffer.from(body, 'base64')));
  if (found.length > 0) return found;
  throw new RampartError('INVALID_CERTIFICATE', `${file} holds no "BEGIN ${label}" block; give it as PEM`);
}
