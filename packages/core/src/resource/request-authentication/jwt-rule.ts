import type { Cursor } from '../cursor.ts';
import { formatDuration, readDuration } from '../duration.ts';
import { textList } from '../text-list.ts';
import { jwksUriProblem, readJwks } from './key-set.ts';
import { readClaimHeaders, readHeaderLocations, readOutputHeader } from './token-location.ts';
import type { ClaimHeader, HeaderLocation } from './token-location.ts';

/** One issuer of end-user tokens: how its tokens are found, verified and passed on. */
export interface JwtRule {
  /** "" where the document names none: whatever the token's `iss` says is accepted when a key of `jwksUri` signed it. */
  readonly issuer: string;
  /** Any of them will do; absent: not checked. */
  readonly audiences?: readonly string[];
  readonly jwksUri?: string;
  /** JSON Web Key Set (RFC 7517 §5) or a single key, as text. */
  readonly jwks?: string;
  /** Where tokens stand; with any of the three lists the default places (`Authorization: Bearer`, `access_token`) are off. */
  readonly fromHeaders?: readonly HeaderLocation[];
  readonly fromParams?: readonly string[];
  readonly fromCookies?: readonly string[];
  readonly outputPayloadToHeader?: string;
  /** False where the document says nothing: the application does not see the token's header. */
  readonly forwardOriginalToken: boolean;
  readonly outputClaimToHeaders?: readonly ClaimHeader[];
  /** How long fetching keys may take, milliseconds. */
  readonly timeoutMs: number;
  /** Claims that hold several values with spaces between, beside `scope` and `permission`. */
  readonly spaceDelimitedClaims?: readonly string[];
}

interface JwtRuleFields extends Omit<JwtRule, 'timeoutMs'> {
  readonly timeout: number;
}

const MAX_RULES = 4096;
const MAX_CLAIMS = 64;
const DEFAULT_TIMEOUT_MS = 5000;

const texts = textList();

export function readJwtRules(at: Cursor): JwtRule[] | undefined {
  const rules = at.list(readJwtRule, 'a list of rules');
  const { length } = rules === undefined ? [] : (at.items() ?? []);
  return length > MAX_RULES ? at.error(`must hold at most ${MAX_RULES} rules, holds ${length}`) : rules;
}

function readJwtRule(at: Cursor): JwtRule | undefined {
  const fields = at.fields<JwtRuleFields>({
    issuer: (issuer) => issuer.textOrEmpty(),
    audiences: texts,
    jwksUri: (uri) => uri.checked(jwksUriProblem),
    jwks: readJwks,
    fromHeaders: readHeaderLocations,
    fromParams: texts,
    fromCookies: texts,
    outputPayloadToHeader: readOutputHeader,
    forwardOriginalToken: (flag) => flag.flag(),
    outputClaimToHeaders: readClaimHeaders,
    timeout: readDuration,
    spaceDelimitedClaims: readSpaceDelimitedClaims,
  });
  if (fields === undefined) return undefined;
  checkKeys(at, fields);
  const { timeout = DEFAULT_TIMEOUT_MS, issuer = '', forwardOriginalToken = false, ...rest } = fields;
  return { ...rest, issuer, forwardOriginalToken, timeoutMs: timeout };
}

export function writeJwtRule({ timeoutMs, ...rest }: JwtRule): object {
  return { ...rest, timeout: formatDuration(timeoutMs) };
}

function checkKeys(at: Cursor, { issuer = '', jwks, jwksUri }: Partial<JwtRuleFields>): void {
  if (jwks !== undefined && jwksUri !== undefined) {
    at.child('jwks').misplaced('cannot stand beside jwksUri: a rule has its keys from one place');
  }
  const { value: uri } = at.child('jwksUri');
  if (issuer !== '' && uri === undefined && at.child('jwks').value === undefined && !/^https?:\/\//i.test(issuer)) {
    at.child('issuer').warning(
      'is no URL that keys could be discovered from, so that every token is refused: add jwksUri or jwks',
    );
  }
  if (issuer !== '' || at.child('issuer').value instanceof Object) return;
  if (uri === undefined) at.error('needs an issuer, or at least a jwksUri');
  else if (at.child('issuer').value === undefined || at.child('issuer').value === '') {
    at.warning('names no issuer: a token of any issuer is accepted when a key of jwksUri has signed it');
  }
}

function readSpaceDelimitedClaims(at: Cursor): string[] | undefined {
  const claims = texts(at);
  const { length } = claims === undefined ? [] : (at.items() ?? []);
  return length > MAX_CLAIMS ? at.error(`must hold at most ${MAX_CLAIMS} claims, holds ${length}`) : claims;
}
