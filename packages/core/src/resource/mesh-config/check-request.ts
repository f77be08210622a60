import type { Cursor } from '../cursor.ts';
import { textList } from '../text-list.ts';
import { isFixedInRequest, isFraming } from '../../fixed-headers.ts';
import { excerpt } from '../../printable.ts';

/** How much of a request's body an authorizer is given. */
export interface CheckedBody {
  readonly maxRequestBytes: number;
  /** A longer body: true gives its beginning, false refuses the request. */
  readonly allowPartialMessage: boolean;
  /** Over gRPC: as bytes instead of a UTF-8 string. */
  readonly packAsBytes: boolean;
}

/** RFC 9110 §5.6.2 token. */
const HEADER_NAME = /^[A-Za-z0-9!#$%&'+.^_`|~-]+$/;
const HEADER_VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;
/** What a data plane is willing to hold of one request. */
const MAX_BODY = 16_777_216;

/** Names of headers, `prefix*` and `*suffix`. */
export const readHeaderPatterns: (at: Cursor) => string[] | undefined = textList((text) => {
  if (text === '*') return 'must not be "*": name the headers, or a part of their names';
  const literal = text.startsWith('*') ? text.slice(1) : text.endsWith('*') ? text.slice(0, -1) : text;
  return HEADER_NAME.test(literal) ? undefined : 'must be the name of a header, with "*" at one end at most';
});

/** Headers of the request that the authorizer may write. */
export function readWritableHeaders(at: Cursor): string[] | undefined {
  const names = readHeaderPatterns(at);
  for (const item of at.items() ?? []) {
    if (typeof item.value === 'string' && isFixedInRequest(item.value.toLowerCase())) {
      item.warning('has no effect: what the request is, and who has sent it, is for no authorizer to say');
    }
  }
  return names;
}

/** Headers that are added to what the authorizer is asked. */
export function readAddedHeaders(at: Cursor): Record<string, string> | undefined {
  const keys = at.keys('an object of header names and values');
  if (keys === undefined) return undefined;
  const headers: [string, string][] = [];
  for (const key of keys) {
    const child = at.child(key);
    if (!HEADER_NAME.test(key)) child.misplaced(`${excerpt(key)} cannot be the name of a header`);
    if (isFraming(key.toLowerCase())) child.misplaced('says how a message is sent, which nobody but its sender knows');
    const value = child.textOrEmpty();
    if (value === undefined) continue;
    if (HEADER_VALUE.test(value)) headers.push([key, value]);
    else child.error('must not hold control characters');
  }
  return Object.fromEntries(headers);
}

export function readCheckedBody(at: Cursor): CheckedBody | undefined {
  const fields = at.fields<CheckedBody>({
    maxRequestBytes: (bytes) => bytes.integer('a number of bytes', { min: 1, max: MAX_BODY }),
    allowPartialMessage: (flag) => flag.flag(),
    packAsBytes: (flag) => flag.flag(),
  });
  if (fields === undefined) return undefined;
  const { maxRequestBytes, allowPartialMessage = false, packAsBytes = false } = fields;
  if (at.child('maxRequestBytes').value === undefined) return at.error('needs maxRequestBytes');
  return maxRequestBytes === undefined ? undefined : { maxRequestBytes, allowPartialMessage, packAsBytes };
}
