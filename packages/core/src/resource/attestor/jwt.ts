import type { Cursor } from '../cursor.ts';
import { formatDuration, readDuration } from '../duration.ts';
import { jwksUriProblem, readJwks } from '../request-authentication/key-set.ts';
import { textList } from '../text-list.ts';
import { readCertificates } from './pem-text.ts';

/** Whose tokens they are, and so what their claims mean. */
export type JwtProfile = 'generic' | 'kubernetes' | 'gcp' | 'azure' | 'github' | 'gitlab';

/** Tokens of an OpenID Connect issuer. */
export interface JwtAttestor {
  /** What the token's `iss` must be; keys are discovered below it unless `jwksUri` or `jwks` says where they are. */
  readonly issuer: string;
  /** One of them must be in the token's `aud`. */
  readonly audiences: readonly string[];
  readonly profile: JwtProfile;
  readonly jwksUri?: string;
  readonly jwks?: string;
  /** PEM roots that the issuer's own HTTPS certificate chains to; those of the system where absent. */
  readonly caBundle?: string;
  /** Claims beside those of the profile that become selectors, "jwt:<claim>:<value>"; a dot steps into an object. */
  readonly claimSelectors?: readonly string[];
  /** Longest time since a token was issued that it is taken for; 24 hours unless given. */
  readonly maxAgeMs?: number;
  /** Takes a token more than once within its life; only where holders cannot get a new one when they start again. */
  readonly allowReuse?: boolean;
}

interface JwtFields extends Omit<JwtAttestor, 'maxAgeMs'> {
  readonly maxAge: number;
}

const PROFILES: readonly JwtProfile[] = ['generic', 'kubernetes', 'gcp', 'azure', 'github', 'gitlab'];
const MAX_TEXT = 2048;
const CLAIM = /^[^\s.]+(?:\.[^\s.]+)*$/;
const plain = (text: string): string | undefined =>
  text.length <= MAX_TEXT ? undefined : `must be at most ${MAX_TEXT} characters long`;

export function readJwt(at: Cursor): JwtAttestor | undefined {
  const fields = at.fields<JwtFields>({
    issuer: (issuer) => issuer.checked(plain),
    audiences: textList(plain),
    profile: (profile) => profile.word(PROFILES),
    jwksUri: (uri) => uri.checked(keysUrlProblem),
    jwks: readJwks,
    caBundle: readCertificates,
    claimSelectors: readClaimNames,
    maxAge: readDuration,
    allowReuse: (flag) => flag.flag(),
  });
  if (fields === undefined) return undefined;
  for (const required of ['issuer', 'audiences'] as const) {
    if (at.child(required).value === undefined) at.error(`needs ${required === 'issuer' ? 'an issuer' : 'audiences'}`);
  }
  if (fields.audiences?.length === 0) at.child('audiences').error('must name whom tokens are meant for: this mesh');
  checkKeySource(at, fields);
  const { issuer, audiences, profile = 'generic', maxAge, ...rest } = fields;
  if (issuer === undefined || audiences === undefined) return undefined;
  return { ...rest, issuer, audiences, profile, ...(maxAge === undefined ? {} : { maxAgeMs: maxAge }) };
}

export function writeJwt({ maxAgeMs, ...rest }: JwtAttestor): object {
  return { ...rest, ...(maxAgeMs === undefined ? {} : { maxAge: formatDuration(maxAgeMs) }) };
}

const LOOPBACK = /^http:\/\/(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])[:/]/;

/** Keys decide who gets an identity: whoever is on the way must not be able to change them. */
function keysUrlProblem(text: string): string | undefined {
  const problem = jwksUriProblem(text);
  if (problem !== undefined || text.startsWith('https://') || LOOPBACK.test(`${text}/`)) return problem;
  return 'must be an https URL; http is for the loopback interface only';
}

/** Beside `jwt:attestor:`, `jwt:iss:` and `jwt:sub:`, which no claim may pass for. */
const TAKEN = ['attestor', 'iss', 'sub'] as const;

/** "jwt:<claim>:<value>" must be of one claim only: a name that another one begins with, up to a colon, would be of two. */
function readClaimNames(at: Cursor): string[] | undefined {
  const names = textList((claim) =>
    CLAIM.test(claim) ? plain(claim) : 'must be the name of a claim; a dot steps into an object',
  )(at);
  const all = [...TAKEN, ...(names ?? [])];
  for (const [index, name] of (names ?? []).entries()) {
    const other = all.find((one) => one !== name && (name.startsWith(`${one}:`) || one.startsWith(`${name}:`)));
    const reason = name === 'attestor' ? 'the name of the attestor' : other === undefined ? '' : `claim ${other}`;
    if (reason !== '') at.child(index).error(`its selectors could be taken for those of ${reason}`);
  }
  return names;
}

function checkKeySource(at: Cursor, { issuer }: Partial<JwtFields>): void {
  const hasUri = at.child('jwksUri').value !== undefined;
  const hasKeys = at.child('jwks').value !== undefined;
  if (hasUri && hasKeys) at.child('jwks').misplaced('cannot stand beside jwksUri: keys come from one place');
  if (!hasUri && !hasKeys && issuer !== undefined && keysUrlProblem(issuer) !== undefined) {
    at.child('issuer').error('is no https URL that keys could be discovered from: add jwksUri or jwks');
  }
}
