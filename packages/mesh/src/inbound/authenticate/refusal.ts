import type { Carrier } from './carrier.ts';

/** A request that is turned away before any policy is asked. */
export interface AuthenticationRefusal {
  readonly denied: true;
  readonly status: 401 | 403;
  /** Text for the caller. */
  readonly body: string;
  /** Value of `WWW-Authenticate` (RFC 6750 §3). */
  readonly challenge: string;
  /** "namespace/name" of the policy that refused, where it has one. */
  readonly policy: string;
  /** One sentence for the record. */
  readonly reason: string;
}

export interface RefusalParts {
  readonly status: 401 | 403;
  readonly body: string;
  /** "" when the caller brought no token: then there is nothing wrong with it. */
  readonly error: '' | 'invalid_token' | 'insufficient_scope';
  /** Scopes that would do, for `insufficient_scope`. */
  readonly scope?: readonly string[];
  readonly policy: string;
  readonly reason: string;
}

/** As long as Envoy's. */
const MAX_REALM = 256;

export function refusal(carrier: Carrier, parts: RefusalParts): AuthenticationRefusal {
  const { status, body, error, scope = [], policy, reason } = parts;
  const challenge = [`Bearer realm="${realmOf(carrier)}"`];
  if (error !== '') challenge.push(`error="${error}"`);
  if (scope.length > 0) challenge.push(`scope="${quotable(scope.join(' '))}"`);
  return { denied: true, status, body, challenge: challenge.join(', '), policy, reason };
}

/** The address that was asked for, without its query: a token may stand there. */
function realmOf({ host, target }: Carrier): string {
  const query = target.indexOf('?');
  const path = query === -1 ? target : target.slice(0, query);
  return quotable(`http://${host}${path}`.slice(0, MAX_REALM));
}

/** Only what a quoted string of a header can hold as it is (RFC 9110 §5.6.4). */
function quotable(text: string): string {
  return text.replace(/[^\u0020-\u007e]|["\\]/g, '_');
}
