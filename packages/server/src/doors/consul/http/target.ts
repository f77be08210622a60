/** What a request asks for (RFC 9112 §3.2.1, origin-form). */
export interface RequestTarget {
  /** As it was sent: what is encoded stays so, and nothing is made of "." and "..". */
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Most requests have none. Nobody changes it. */
const NO_QUERY = new URLSearchParams();

/** Undefined for what is no path of this server. */
export function targetOf(url: string): RequestTarget | undefined {
  if (!url.startsWith('/')) return undefined;
  const mark = url.indexOf('?');
  return mark === -1
    ? { path: url, query: NO_QUERY }
    : { path: url.slice(0, mark), query: new URLSearchParams(url.slice(mark)) };
}
