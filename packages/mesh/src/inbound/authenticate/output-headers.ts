import { isFixedInRequest } from '@rampart/core';
import type { JwtRule, ParsedToken } from '@rampart/core';

import { claimAt } from './token/claims.ts';

type Header = readonly [name: string, value: string];

/** Names of every header that a rule writes, in lower case: what a client puts there itself must not survive. */
export function outputNames({ outputPayloadToHeader, outputClaimToHeaders = [] }: JwtRule): string[] {
  const names = outputClaimToHeaders.map(({ header }) => header);
  const all = outputPayloadToHeader === undefined ? names : [outputPayloadToHeader, ...names];
  return all.map((name) => name.toLowerCase()).filter(isFree);
}

/** What a rule writes of a verified token. */
export function outputsOf({ outputPayloadToHeader, outputClaimToHeaders = [] }: JwtRule, token: ParsedToken): Header[] {
  const headers: Header[] = [];
  if (outputPayloadToHeader !== undefined) headers.push([outputPayloadToHeader.toLowerCase(), token.payload]);
  for (const { header, claim } of outputClaimToHeaders) {
    const value = headerValue(claimAt(token.claims, claim));
    if (value !== undefined) headers.push([header.toLowerCase(), value]);
  }
  return headers.filter(([name]) => isFree(name));
}

/** No rule takes away or writes what the request is, or who the handshake says has sent it. */
export function isFree(name: string): boolean {
  return !isFixedInRequest(name);
}

/** Characters that end a header or a line, or that no header can have (RFC 9110 §5.5). */
const FORBIDDEN = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/** Texts, whole numbers and truth values; other claims have no form that all readers would agree on. */
function headerValue(claim: unknown): string | undefined {
  if (typeof claim === 'boolean') return String(claim);
  if (typeof claim === 'number') return Number.isSafeInteger(claim) ? String(claim) : undefined;
  if (typeof claim !== 'string' || claim === '' || FORBIDDEN.test(claim)) return undefined;
  // Headers are bytes, which Node shows one character each: the application sees what a proxy would have sent.
  return Buffer.from(claim, 'utf8').toString('latin1');
}
