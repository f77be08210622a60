import type { JwtRule } from '../../resource/request-authentication/jwt-rule.ts';
import type { ServiceTokenPolicySpec } from '../../resource/service-token/spec.ts';

/** Where the tokens of a rule stand. */
export interface TokenPlaces {
  /** Names in lower case. */
  readonly headers: readonly { readonly name: string; readonly prefix: string }[];
  readonly params: readonly string[];
  readonly cookies: readonly string[];
}

/** RFC 6750 §2.3: a credential that stands in the address. */
export const ACCESS_TOKEN = 'access_token';

const AUTHORIZATION = { name: 'authorization', prefix: 'Bearer ' };

/** The places of a RequestAuthentication's rule; where it names none, those of RFC 6750: `Authorization: Bearer` and `access_token`. */
export function userTokenPlaces({ fromHeaders, fromParams = [], fromCookies = [] }: Partial<JwtRule>): TokenPlaces {
  const headers = headersOf(fromHeaders);
  const isDefault = headers.length + fromParams.length + fromCookies.length === 0;
  if (isDefault) return { headers: [AUTHORIZATION], params: [ACCESS_TOKEN], cookies: [] };
  return { headers, params: fromParams, cookies: fromCookies };
}

/** The places of a ServiceTokenPolicy; `Authorization: Bearer` where it names none. */
export function serviceTokenPlaces({ fromHeaders }: Pick<ServiceTokenPolicySpec, 'fromHeaders'>): TokenPlaces {
  const headers = headersOf(fromHeaders);
  return { headers: headers.length === 0 ? [AUTHORIZATION] : headers, params: [], cookies: [] };
}

/** Whether one token can stand where both look. */
export function areShared(one: TokenPlaces, other: TokenPlaces): boolean {
  return (
    one.headers.some(({ name, prefix }) =>
      other.headers.some((each) => each.name === name && each.prefix === prefix),
    ) ||
    one.params.some((name) => other.params.includes(name)) ||
    one.cookies.some((name) => other.cookies.includes(name))
  );
}

function headersOf(locations: JwtRule['fromHeaders'] = []): TokenPlaces['headers'] {
  return locations.map(({ name, prefix = '' }) => ({ name: name.toLowerCase(), prefix }));
}
