import { readToken } from '@rampart/core';
import type { ParsedToken, Result, TokenDecoder, TokenProblem } from '@rampart/core';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const decoder: TokenDecoder = {
  fromBase64Url: (text) => Buffer.from(text, 'base64url'),
  toBase64Url: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url'),
  fromUtf8: (bytes) => utf8.decode(bytes),
};

/** Reads a token; nothing of it is believed yet. */
export function parseToken(text: string): Result<ParsedToken, TokenProblem> {
  return readToken(text, decoder);
}
