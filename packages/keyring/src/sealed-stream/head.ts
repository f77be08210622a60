import { fail, ok, type Result } from '@rampart/core';
import { formatParameters, parseParameters, type ScryptParameters } from '../scrypt-parameters.ts';

/** "RPSS" and the version of the layout. */
export const MAGIC: Uint8Array = Uint8Array.of(0x52, 0x50, 0x53, 0x53, 0x01);
export const LENGTH_OCTETS = 2;
const HEX = /^(?:[0-9a-f]{2}){32,512}$/;

/** What stands before the chunks. */
export interface StreamHead {
  readonly parameters: ScryptParameters;
  readonly wrapped: Uint8Array;
}

/** `"RPSS" | version 1 | length of the JSON (2, big-endian) | JSON`. */
export function formatHead({ parameters, wrapped }: StreamHead): Uint8Array {
  const scrypt: unknown = JSON.parse(formatParameters(parameters));
  const json = Buffer.from(JSON.stringify({ scrypt, wrapped: Buffer.from(wrapped).toString('hex') }));
  return Buffer.concat([MAGIC, Uint8Array.of(json.length >> 8, json.length & 0xff), json]);
}

/** The problem says what the JSON lacks. */
export function parseHead(json: Uint8Array): Result<StreamHead, string> {
  try {
    const { scrypt, wrapped } = JSON.parse(Buffer.from(json).toString('utf8')) as Record<string, unknown>;
    if (typeof wrapped !== 'string' || !HEX.test(wrapped)) return fail('its head holds no key');
    const parameters = parseParameters(Buffer.from(JSON.stringify(scrypt) ?? ''), 'the head');
    return ok({ parameters, wrapped: new Uint8Array(Buffer.from(wrapped, 'hex')) });
  } catch {
    return fail('its head is damaged');
  }
}
