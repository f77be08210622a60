import { fail, ok, type Result } from '../../result.ts';
import { closest } from '../spelling.ts';
import { excerpt } from '../../printable.ts';

/** An attribute that a `when` condition can ask about. */
export type ConditionKey =
  | { readonly attribute: PlainAttribute }
  | { readonly attribute: 'request.headers'; /** Lower case. */ readonly header: string }
  | {
      readonly attribute: 'request.auth.claims';
      /** From the outermost claim inwards. */ readonly claim: readonly string[];
    }
  | {
      readonly attribute: 'experimental.envoy.filters';
      readonly filter: string;
      readonly metadataKey: readonly string[];
    };

export type PlainAttribute = (typeof PLAIN)[number];

const PLAIN = [
  'source.ip',
  'remote.ip',
  'source.namespace',
  'source.principal',
  'source.serviceAccount',
  'source.trustDomain',
  'request.auth.principal',
  'request.auth.audiences',
  'request.auth.presenter',
  'destination.ip',
  'destination.port',
  'connection.sni',
] as const;

const KEYED = ['request.headers[name]', 'request.auth.claims[name]', 'experimental.envoy.filters.name[key]'] as const;
const HEADERS = 'request.headers';
const CLAIMS = 'request.auth.claims';
const FILTERS = 'experimental.envoy.filters.';

/** Keys of Istio's first policy language, and what says the same now. */
const FORMER: Readonly<Record<string, string>> = {
  'destination.namespace': 'a policy is about its own namespace: say it in metadata.namespace',
  'destination.labels': 'say it in spec.selector.matchLabels',
  'destination.name': 'say it in spec.selector.matchLabels',
  'destination.user': 'say it in spec.selector.matchLabels',
};

/** RFC 9110 field name, or an HTTP/2 pseudo header (RFC 9113 §8.3). */
const HEADER_NAME = /^:?[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

/** Reads the key of a condition; Istio knows these and refuses every other. */
export function parseConditionKey(text: string): Result<ConditionKey, string> {
  const plain = PLAIN.find((candidate) => candidate === text);
  if (plain !== undefined) return ok({ attribute: plain });
  if (text.startsWith(HEADERS)) return headerKey(text);
  if (text.startsWith(CLAIMS)) return claimKey(text);
  if (text.startsWith(FILTERS)) return filterKey(text);
  if (text === '') return fail('must not be empty');
  return fail(`unknown key ${excerpt(text)}; ${keyHint(withoutBrackets(text))}`);
}

/** Whether a key asks for something that only HTTP has; such a condition means nothing on other traffic. */
export function isHttpKey(text: string): boolean {
  return text.startsWith(HEADERS) || text.startsWith('request.auth.');
}

function withoutBrackets(key: string): string {
  return key.split('[', 1)[0] ?? '';
}

function keyHint(name: string): string {
  const instead = Object.hasOwn(FORMER, name) ? FORMER[name] : undefined;
  if (instead !== undefined) return instead;
  const known = [...PLAIN, ...KEYED];
  const match = closest(name, [...PLAIN, ...KEYED.map(withoutBrackets)]);
  const meant = known.find((key) => withoutBrackets(key) === match);
  return meant === undefined ? `known keys: ${known.join(', ')}` : `did you mean ${JSON.stringify(meant)}?`;
}

function headerKey(text: string): Result<ConditionKey, string> {
  const [header, ...more] = brackets(text.slice(HEADERS.length)) ?? [];
  if (header === undefined || more.length > 0) return fail(`${excerpt(text)} must have the form request.headers[name]`);
  if (!HEADER_NAME.test(header)) return fail(`${excerpt(header)} cannot be the name of a header`);
  return ok({ attribute: HEADERS, header: header.toLowerCase() });
}

function claimKey(text: string): Result<ConditionKey, string> {
  const claim = brackets(text.slice(CLAIMS.length));
  if (claim === undefined)
    return fail(`${excerpt(text)} must have the form request.auth.claims[name] or request.auth.claims[outer][inner]`);
  return ok({ attribute: CLAIMS, claim });
}

function filterKey(text: string): Result<ConditionKey, string> {
  const bracket = text.indexOf('[');
  const filter = bracket === -1 ? '' : text.slice(FILTERS.length, bracket);
  const metadataKey = bracket === -1 ? undefined : brackets(text.slice(bracket));
  if (filter === '' || metadataKey === undefined) {
    return fail(`${excerpt(text)} must have the form experimental.envoy.filters.name[key]`);
  }
  return ok({ attribute: 'experimental.envoy.filters', filter, metadataKey });
}

/**
 * "[a][b]" as ["a", "b"]. What is not strictly nested, such as a claim name that itself holds a bracket, is one name
 * between the outermost brackets (Istio `ExtractNameInNestedBrackets`).
 */
function brackets(text: string): string[] | undefined {
  if (text.length < 3 || !text.startsWith('[') || !text.endsWith(']')) return undefined;
  const inner = text.slice(1, -1);
  const names = inner.split('][');
  const strict = names.every((name) => name !== '' && !name.includes('[') && !name.includes(']'));
  return strict ? names : [inner];
}
