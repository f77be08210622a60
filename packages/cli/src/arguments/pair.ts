import { InvalidArgumentError } from 'commander';

/** Pairs such as labels or headers, collected from an option that may be given many times; the last value of a key wins. */
export type Pairs = Readonly<Record<string, string>>;

// Kubernetes label key and value (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set).
const LABEL_KEY = /^(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
// Field name: token of RFC 9110 §5.6.2.
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Adds "app=orders" to the labels given so far. */
export function collectLabel(text: string, previous: Pairs | undefined): Pairs {
  const [key, value] = split(text, '=', 'app=orders-api');
  if (!LABEL_KEY.test(key) || !LABEL_VALUE.test(value))
    throw new InvalidArgumentError('it is not a Kubernetes label, such as app=orders-api.');
  return { ...previous, [key]: value };
}

/** Adds "x-team=blue" (or "x-team: blue") to the headers given so far; names are lower-cased. */
export function collectHeader(text: string, previous: Pairs | undefined): Pairs {
  const colon = text.indexOf(':');
  const equals = text.indexOf('=');
  const separator = colon >= 0 && (equals < 0 || colon < equals) ? ':' : '=';
  const [name, value] = split(text, separator, 'x-team=blue');
  if (!HEADER_NAME.test(name)) throw new InvalidArgumentError('it is not a header, such as x-team=blue.');
  const key = name.toLowerCase();
  const before = previous !== undefined && Object.hasOwn(previous, key) ? previous[key] : undefined;
  // A header that is sent twice reaches policies as one (Envoy's `getAllOfHeaderAsString`).
  return { ...previous, [key]: before === undefined ? value.trim() : `${before},${value.trim()}` };
}

function split(text: string, separator: string, example: string): [string, string] {
  const at = text.indexOf(separator);
  if (at <= 0) throw new InvalidArgumentError(`write it as ${example}.`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** Collects an option that may be given many times. */
export function collectText(text: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), text];
}
