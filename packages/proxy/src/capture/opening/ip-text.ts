import { addressText } from '@rampart/wire/dns';

/** The IP literal of 4 or 16 bytes in its usual short form (RFC 5952). */
export function ipText(bytes: Uint8Array): string {
  const text = addressText(bytes);
  return text.includes(':') ? new URL(`http://[${text}]`).hostname.slice(1, -1) : text;
}
