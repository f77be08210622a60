import { RampartError } from '@rampart/core';
import type { Discovery, RegistryIdentity } from '@rampart/registry';
import { Fields } from '../registration/fields.ts';

/** A call of the API, its caller known and let in. */
export interface ConsulCall {
  /** "GET /v1/catalog/services": its row in the table of access. */
  readonly endpoint: string;
  /** What stands in the place of ":name" in the path of its route. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly caller: RegistryIdentity;
  /** Of the token of the API that was shown. */
  readonly tokenId: string | undefined;
  /** What the caller may find. */
  readonly discovery: Discovery;
  /** What the call is about unless its body says another: `?ns=`, the header X-Consul-Namespace, or the usual one. */
  readonly namespace: string;
  /** Address of the other end; IPv4 in its own form. */
  readonly sourceIp: string;
  /** As it was sent. */
  readonly body: string;
  /** A signal for when the caller is gone or the control plane stops, made for those who wait. */
  end(): AbortSignal;
}

/** A parameter that is there, as `?passing` or with a value that is not false. */
export function isSet(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  return value !== null && value !== 'false' && value !== '0';
}

/** @throws RampartError INVALID_ARGUMENT when the body is no JSON object. */
export function bodyFields({ body }: Pick<ConsulCall, 'body'>): Fields {
  return Fields.of(parsed(body), '');
}

/** The same where nothing need be sent. */
export function optionalFields({ body }: Pick<ConsulCall, 'body'>): Fields {
  return Fields.of(body.trim() === '' ? {} : parsed(body), '');
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    throw new RampartError('INVALID_ARGUMENT', 'Request decode failed: the body is no JSON');
  }
}

/** What stands in a path, which the route says is there. */
export function param({ params }: Pick<ConsulCall, 'params'>, name: string): string {
  const value = params[name];
  if (value === undefined) throw new RampartError('INTERNAL', `BUG: a route without :${name}`);
  return value;
}
