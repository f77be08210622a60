import type { Cursor } from '../cursor.ts';
import { isFixedInRequest } from '../../fixed-headers.ts';
import { excerpt } from '../../printable.ts';

/** A header that may carry a token. */
export interface HeaderLocation {
  readonly name: string;
  /** What stands before the token, spaces included; a header that does not start with it carries no token. */
  readonly prefix?: string;
}

/** A claim that the application is told in a header. */
export interface ClaimHeader {
  readonly header: string;
  /** "a" or "a.b.c" for a claim inside others. */
  readonly claim: string;
}

/** RFC 9110 §5.6.2 token. */
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
/** Istio `ValidateHTTPHeaderNameOrJwtClaimRoute`, for headers that are written. */
const OUTPUT_HEADER = /^[-_A-Za-z0-9]+$/;

export function readHeaderLocations(at: Cursor): HeaderLocation[] | undefined {
  return at.list(readHeaderLocation, 'a list of headers');
}

export function readClaimHeaders(at: Cursor): ClaimHeader[] | undefined {
  return at.list(readClaimHeader, 'a list of headers and claims');
}

/** The name of a header that is written for the application. */
export function readOutputHeader(at: Cursor): string | undefined {
  const name = at.text();
  if (name === undefined) return undefined;
  if (!OUTPUT_HEADER.test(name)) return at.error('must be letters, digits, "-" and "_" only');
  if (isFixedInRequest(name.toLowerCase())) {
    at.warning('has no effect: what the request is, and who has sent it, is for no claim to say; name another header');
  }
  return name;
}

function readHeaderLocation(at: Cursor): HeaderLocation | undefined {
  const fields = at.fields<HeaderLocation>({
    name: readHeaderName,
    prefix: (prefix) => prefix.textOrEmpty(),
  });
  if (fields === undefined) return undefined;
  const { name, prefix } = fields;
  if (at.child('name').value === undefined) return at.error('needs a name: the header that carries the token');
  return name === undefined ? undefined : { name, ...(prefix === undefined ? {} : { prefix }) };
}

function readHeaderName(at: Cursor): string | undefined {
  const name = at.text();
  if (name === undefined || HEADER_NAME.test(name)) return name;
  return at.error(`${excerpt(name)} cannot be the name of a header`);
}

function readClaimHeader(at: Cursor): ClaimHeader | undefined {
  const fields = at.fields<ClaimHeader>({ header: readOutputHeader, claim: (claim) => claim.text() });
  if (fields === undefined) return undefined;
  for (const required of ['header', 'claim'] as const) {
    if (at.child(required).value === undefined) at.error(`needs a ${required}`);
  }
  const { header, claim } = fields;
  return header === undefined || claim === undefined ? undefined : { header, claim };
}
