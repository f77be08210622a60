import type { Cursor } from '../cursor.ts';
import { jwksUriProblem, readJwks } from '../request-authentication/key-set.ts';
import { readHeaderLocations, type HeaderLocation } from '../request-authentication/token-location.ts';
import { readSelector, type WorkloadSelector } from '../selector.ts';
import { patternList } from '../text-list.ts';
import { readScopeRules, type ScopeRule } from './scope-rule.ts';

/**
 * Which tokens of other services a workload takes, and what their scopes allow. Checked in this order: signature, expiry,
 * audience (401 each), then scope (403). A request without token gets 401, one that no rule covers 403.
 */
export interface ServiceTokenPolicySpec {
  readonly selector?: WorkloadSelector;
  /** What the token's `iss` must be. */
  readonly issuer: string;
  /** Exactly one of `jwksUri` and `jwks` is there. */
  readonly jwksUri?: string;
  /** JSON Web Key Set (RFC 7517 §5) or a single key, as text. */
  readonly jwks?: string;
  /** What the token's `aud` must be or hold: "service:orders-api". */
  readonly audience: string;
  /** Who may call, by the token's `sub`: exact, `prefix*`, `*suffix`, `*`; absent: everyone the issuer names. */
  readonly subjects?: readonly string[];
  /** Absent: `Authorization: Bearer `. */
  readonly fromHeaders?: readonly HeaderLocation[];
  readonly rules: readonly ScopeRule[];
}

const MAX_TEXT = 2048;
const plain = (text: string): string | undefined =>
  text.length <= MAX_TEXT ? undefined : `must be at most ${MAX_TEXT} characters long`;

export function readServiceTokenPolicySpec(at: Cursor): ServiceTokenPolicySpec | undefined {
  const fields = at.fields<ServiceTokenPolicySpec>({
    selector: readSelector,
    issuer: (issuer) => issuer.checked(plain),
    jwksUri: (uri) => uri.checked(jwksUriProblem),
    jwks: readJwks,
    audience: readAudience,
    subjects: patternList(),
    fromHeaders: readHeaderLocations,
    rules: readScopeRules,
  });
  if (fields === undefined) return undefined;
  for (const required of ['issuer', 'audience', 'rules'] as const) {
    if (at.child(required).value === undefined) at.error(`needs ${required === 'rules' ? 'rules' : `an ${required}`}`);
  }
  checkKeySource(at);
  const { issuer, audience, rules, ...rest } = fields;
  if (issuer === undefined || audience === undefined || rules === undefined) return undefined;
  return { ...rest, issuer, audience, rules };
}

function readAudience(at: Cursor): string | undefined {
  if (Array.isArray(at.value)) return at.error('must be one name: a service is one audience');
  return at.checked(plain);
}

function checkKeySource(at: Cursor): void {
  const hasUri = at.child('jwksUri').value !== undefined;
  const hasKeys = at.child('jwks').value !== undefined;
  if (hasUri && hasKeys) at.child('jwks').misplaced('cannot stand beside jwksUri: keys come from one place');
  if (!hasUri && !hasKeys) at.error('needs jwksUri or jwks: the keys that tokens are verified with');
}
