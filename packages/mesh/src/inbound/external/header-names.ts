/** Belong to one connection, not to the message (RFC 9110 §7.6.1), or say how long a body is. */
const FRAMING: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** True for a header that says how a message is sent, which nobody may carry over to another one. */
export function isFraming(name: string): boolean {
  return FRAMING.has(name);
}

/**
 * True for what no authorizer changes in a request: framing, the authority, and the identity that the handshake proved.
 * The decision about the request would otherwise be about another one.
 */
export function isFixedInRequest(name: string): boolean {
  return isFraming(name) || name === 'host' || name === 'x-forwarded-client-cert' || name.startsWith(':');
}

/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** RFC 9110 §5.5: visible characters, spaces and tabs, one byte each. */
const VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;

export function isHeaderName(name: string): boolean {
  return TOKEN.test(name);
}

export function isHeaderValue(value: string): boolean {
  return VALUE.test(value);
}

/** Header names of a provider's list, in any case: `name`, `prefix*` and `*suffix`. */
export class HeaderNames {
  readonly #exact = new Set<string>();
  readonly #prefixes: string[] = [];
  readonly #suffixes: string[] = [];
  readonly empty: boolean;

  constructor(patterns: readonly string[] | undefined, always: readonly string[] = []) {
    this.empty = patterns === undefined || patterns.length === 0;
    for (const name of always) this.#exact.add(name);
    for (const pattern of patterns ?? []) this.#add(pattern.toLowerCase());
  }

  /** `name` is in lower case. */
  has(name: string): boolean {
    return (
      this.#exact.has(name) ||
      this.#prefixes.some((prefix) => name.startsWith(prefix)) ||
      this.#suffixes.some((suffix) => name.endsWith(suffix))
    );
  }

  #add(pattern: string): void {
    if (pattern.startsWith('*')) this.#suffixes.push(pattern.slice(1));
    else if (pattern.endsWith('*')) this.#prefixes.push(pattern.slice(0, -1));
    else this.#exact.add(pattern);
  }
}
