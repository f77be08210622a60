import { unreadableFile } from './private-file.ts';

/** CPU and memory cost, block size and parallelism of scrypt (RFC 7914 §2). Memory is 128·N·r bytes. */
export interface ScryptCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** What is stored beside a passphrase. */
export interface ScryptParameters extends ScryptCost {
  readonly salt: Uint8Array;
  /** Public id of the derived key. */
  readonly keyId: Uint8Array;
}

/** About 0.3 s and 128 MiB: bearable once at start, expensive for who guesses. */
export const DEFAULT_COST: ScryptCost = { N: 2 ** 17, r: 8, p: 1 };

const VERSION = 1;
/** A damaged or planted file must not make the process take all memory. */
const MAX_N = 2 ** 20;
const MAX_R = 32;
const MAX_P = 16;
const HEX = /^(?:[0-9a-f]{2}){8,64}$/;

export function formatParameters({ N, r, p, salt, keyId }: ScryptParameters): string {
  return `${JSON.stringify({ version: VERSION, kdf: 'scrypt', N, r, p, salt: toHex(salt), keyId: toHex(keyId) }, undefined, 2)}\n`;
}

/** @throws RampartError KEY_UNREADABLE, without quoting the file. */
export function parseParameters(bytes: Uint8Array, file: string): ScryptParameters {
  const stored = parseObject(bytes);
  const { version, kdf, N, r, p, salt, keyId } = stored;
  const known = version === VERSION && kdf === 'scrypt';
  if (!known || !isPowerOfTwo(N, MAX_N) || !isCount(r, MAX_R) || !isCount(p, MAX_P) || !isHex(salt) || !isHex(keyId)) {
    throw unreadableFile(file, 'does not hold scrypt parameters; restore it from a backup');
  }
  return { N, r, p, salt: new Uint8Array(Buffer.from(salt, 'hex')), keyId: new Uint8Array(Buffer.from(keyId, 'hex')) };
}

type Stored = { readonly [Key in 'version' | 'kdf' | 'N' | 'r' | 'p' | 'salt' | 'keyId']?: unknown };

function parseObject(bytes: Uint8Array): Stored {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

function isCount(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most;
}

function isPowerOfTwo(value: unknown, most: number): value is number {
  return isCount(value, most) && value > 1 && (value & (value - 1)) === 0;
}

function isHex(value: unknown): value is string {
  return typeof value === 'string' && HEX.test(value);
}

function toHex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex');
}
