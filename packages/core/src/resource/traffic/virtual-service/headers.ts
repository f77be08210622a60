import type { Cursor, Reader } from '../../cursor.ts';
import { isFixedInRequest, isFraming } from '../../../fixed-headers.ts';
import { mapOf } from '../document-form.ts';
import { textList } from '../../text-list.ts';

/** What happens to the headers of requests and responses (istio/api `Headers`). */
export interface HeaderChanges {
  readonly request?: HeaderOperations;
  readonly response?: HeaderOperations;
}

/** First `remove`, then `set`, then `add`. */
export interface HeaderOperations {
  readonly set?: Readonly<Record<string, string>>;
  /** Beside values that are there. */
  readonly add?: Readonly<Record<string, string>>;
  readonly remove?: readonly string[];
}

/** RFC 9110 §5.6.2 token. */
const NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
const VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;

type NameCheck = (name: string) => string | undefined;

export function readHeaderChanges(at: Cursor): HeaderChanges | undefined {
  return at.fields<HeaderChanges>({
    request: operations(requestNameProblem),
    response: operations(responseNameProblem),
  });
}

function operations(problem: NameCheck): Reader<HeaderOperations> {
  return (at) =>
    at.fields<HeaderOperations>({
      set: mapOf(readValue, problem),
      add: mapOf(readValue, problem),
      remove: textList(problem),
    });
}

const readValue: Reader<string> = (at) => {
  const value = at.textOrEmpty();
  if (value === undefined) return undefined;
  if (!VALUE.test(value)) return at.error('must not hold control characters, nor others than those of Latin-1');
  return /%[A-Z_]+(?:\([^)]*\))?%/.test(value)
    ? at.error('holds a command of Envoy (%NAME%), which nothing here fills in', 'UNSUPPORTED_FEATURE')
    : value;
};

function requestNameProblem(name: string): string | undefined {
  const lower = name.toLowerCase();
  if (lower === 'host' || lower === ':authority') return 'is written as rewrite.authority';
  if (isFraming(lower)) return 'says how a message is sent, which no rule changes';
  if (isFixedInRequest(lower)) return 'says who has sent a request, which no rule changes';
  return nameProblem(name);
}

function responseNameProblem(name: string): string | undefined {
  if (isFraming(name.toLowerCase())) return 'says how a message is sent, which no rule changes';
  return nameProblem(name);
}

function nameProblem(name: string): string | undefined {
  return NAME.test(name) ? undefined : 'must be the name of a header';
}
