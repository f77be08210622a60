import { parseRegex } from '../../../policy/match/regex.ts';
import type { Cursor, Reader } from '../../cursor.ts';
import { parsesWith } from '../../text-list.ts';
import { oneOf } from '../document-form.ts';

/** One of the three; for headers none of them asks only that the header is there (istio/api `StringMatch`). */
export interface StringMatch {
  readonly exact?: string;
  readonly prefix?: string;
  /** Of RE2, for the whole text. */
  readonly regex?: string;
}

const FORMS = ['exact', 'prefix', 'regex'];

/** A match of a text that is always there. */
export const readStringMatch: Reader<StringMatch> = (at) => {
  const match = readForm(at);
  if (match === undefined || oneOf(at, FORMS) !== undefined) return match;
  return at.error('needs one of exact, prefix and regex');
};

/** A match of a header, which may be absent. */
export function readHeaderMatch(at: Cursor): StringMatch | undefined {
  const match = readForm(at);
  oneOf(at, FORMS);
  return match;
}

function readForm(at: Cursor): StringMatch | undefined {
  if (typeof at.value === 'string') return at.error('must be an object: write { exact: … }');
  return at.fields<StringMatch>({
    exact: (exact) => exact.textOrEmpty(),
    prefix: (prefix) => prefix.text(),
    regex: (regex) => regex.checked(parsesWith(parseRegex)),
  });
}
