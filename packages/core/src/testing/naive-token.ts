import type { Call } from './calls.ts';

/** Istio's `requestPrincipalGenerator`, case by case. */
export function requestPrincipal(value: string, { token }: Call): boolean {
  const { iss, sub } = normalized(token);
  if (typeof iss !== 'string' || typeof sub !== 'string') return false;
  const [issuer, subject] = halves(value);
  return new RegExp(`^${issuer}$`).test(iss) && new RegExp(`^${subject}$`).test(sub);
}

/** What issuer and subject have to be, as regular expressions. */
function halves(value: string): [issuer: string, subject: string] {
  const cut = value.lastIndexOf('/');
  const [left, right] = cut === -1 ? [value, ''] : [value.slice(0, cut), value.slice(cut + 1)];
  if (value === '*') return ['.+', '.+'];
  if (value.startsWith('*')) {
    if (cut === -1) return ['.+', `.*${escape(value.slice(1))}`];
    return [left === '*' ? '.+' : `.*${escape(left.slice(1))}`, escape(right)];
  }
  if (value.endsWith('*')) {
    if (cut === -1) return [`${escape(value.slice(0, -1))}.*`, '.+'];
    return [escape(left), right === '*' ? '.+' : `${escape(right.slice(0, -1))}.*`];
  }
  return [escape(left), escape(right)];
}

const KEYS: Readonly<Record<string, string>> = {
  'request.auth.audiences': 'request.auth.claims[aud]',
  'request.auth.presenter': 'request.auth.claims[azp]',
};

/** A claim that is the text that is asked for, or a list with it. */
export function claim(key: string, value: string, { token }: Call): boolean {
  const bracketed = (KEYS[key] ?? key).slice('request.auth.claims'.length);
  const path = /^(?:\[[^[\]]+\])+$/.test(bracketed) ? bracketed.slice(1, -1).split('][') : [bracketed.slice(1, -1)];
  let found: unknown = normalized(token);
  for (const name of path) {
    if (typeof found !== 'object' || found === null || Array.isArray(found)) return false;
    found = Object.entries(found).find(([own]) => own === name)?.[1];
  }
  const texts: unknown[] = Array.isArray(found) ? found : [found];
  return texts.some((text) => typeof text === 'string' && textMatch(value, text));
}

/** Envoy's `normalize_payload_in_metadata`: lists written with spaces become lists. */
function normalized(token: Call['token']): Record<string, unknown> {
  const lists = new Set(['scope', 'permission', ...(token?.spaceDelimitedClaims ?? [])]);
  return Object.fromEntries(
    Object.entries(token?.claims ?? {}).map(([name, value]) => [
      name,
      lists.has(name) && typeof value === 'string' ? value.split(' ').filter(Boolean) : value,
    ]),
  );
}

function textMatch(value: string, text: string): boolean {
  if (value === '*') return text !== '';
  if (value.startsWith('*')) return text.endsWith(value.slice(1));
  return value.endsWith('*') ? text.startsWith(value.slice(0, -1)) : text === value;
}

function escape(value: string): string {
  return value.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
