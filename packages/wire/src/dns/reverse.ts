import { addressText } from './address-bytes.ts';

const IPV4_LABELS = 4;
const IPV6_LABELS = 32;

/** The address that a name of `in-addr.arpa` or `ip6.arpa` stands for (RFC 1035 §3.5, RFC 3596 §2.5); undefined for other names. */
export function reverseAddress(labels: readonly string[]): string | undefined {
  if (labels.at(-1) !== 'arpa') return undefined;
  const digits = labels.slice(0, -2).toReversed();
  const family = labels.at(-2);
  if (family === 'in-addr' && digits.length === IPV4_LABELS && digits.every(isByte)) return digits.join('.');
  if (family !== 'ip6' || digits.length !== IPV6_LABELS || !digits.every(isNibble)) return undefined;
  const hex = digits.join('');
  return addressText(Uint8Array.from({ length: 16 }, (_, at) => Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16)));
}

function isNibble(label: string): boolean {
  return /^[0-9a-f]$/.test(label);
}

function isByte(label: string): boolean {
  return /^(?:0|[1-9]\d{0,2})$/.test(label) && Number(label) <= 255;
}
