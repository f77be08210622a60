import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { RampartError } from '@rampart/core';
import { InvalidArgumentError } from 'commander';
import type { Io } from '../io.ts';

/** A JSON Web Token (RFC 7519) as it was given. It is a secret: nothing of its text is ever printed. */
export interface PresentedToken {
  /** Compact form; undefined when only claims were given. */
  readonly text: string | undefined;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Claims collected from an option that may be given many times. */
export type ClaimPairs = Readonly<Record<string, unknown>>;

const MOST_CHARACTERS = 65_536;

/** A token on the command line would be seen in the list of processes and in the shell's history. */
function tokenFile(text: string): string {
  if (text.startsWith('@') && text.length > 1) return text.slice(1);
  const message =
    'a token is a secret and has no place on the command line: write @FILE, or @- to read it from standard input';
  throw new RampartError('INVALID_ARGUMENT', message);
}

/** Adds "sub=ann" to the claims given so far; what is JSON is taken as JSON, anything else as text. */
export function collectClaim(text: string, previous: ClaimPairs | undefined): ClaimPairs {
  const at = text.indexOf('=');
  if (at <= 0) throw new InvalidArgumentError('write it as NAME=VALUE, such as sub=ann or groups=["admin"].');
  return { ...previous, [text.slice(0, at)]: valueOf(text.slice(at + 1)) };
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Reads the token that options name; undefined when they name none. Throws INVALID_ARGUMENT, without anything of the token. */
export async function readToken(
  { jwt, claim }: { readonly jwt?: string; readonly claim?: ClaimPairs },
  io: Io,
): Promise<PresentedToken | undefined> {
  if (jwt !== undefined && claim !== undefined) {
    throw new RampartError('INVALID_ARGUMENT', 'give --jwt or --claim, not both: a token has its own claims');
  }
  if (claim !== undefined) {
    if (typeof claim['iss'] === 'string') return { text: undefined, claims: claim };
    throw new RampartError('INVALID_ARGUMENT', 'no --claim iss=ISSUER: rules are found by the issuer of a token');
  }
  if (jwt === undefined) return undefined;
  const text = await readTokenText(jwt, io);
  return { text, claims: claimsOf(text, jwt === '@-' ? 'standard input' : jwt.slice(1)) };
}

/** The text of a token that is named as @FILE or @-. Throws INVALID_ARGUMENT, without anything of the token. */
export async function readTokenText(name: string, io: Io): Promise<string> {
  const file = tokenFile(name);
  return (file === '-' ? await io.readStdin() : await readTokenFile(file, io)).trim().replace(/^Bearer +/i, '');
}

async function readTokenFile(name: string, io: Io): Promise<string> {
  try {
    return await readFile(resolve(io.workingDirectory, name), 'utf8');
  } catch (error) {
    throw new RampartError('INVALID_ARGUMENT', `cannot read the token in ${name}; check its name, owner and mode`, {
      cause: error,
    });
  }
}

function claimsOf(text: string, place: string): Readonly<Record<string, unknown>> {
  const parts = text.split('.');
  const payload = text.length <= MOST_CHARACTERS && parts.length === 3 ? parts[1] : undefined;
  const claims = payload === undefined ? undefined : objectOf(Buffer.from(payload, 'base64url').toString('utf8'));
  if (claims !== undefined) return claims;
  const shape = `a JSON Web Token is three base64url parts with dots between, at most ${MOST_CHARACTERS} characters`;
  throw new RampartError('INVALID_ARGUMENT', `${place} holds no token: ${shape}`);
}

function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
