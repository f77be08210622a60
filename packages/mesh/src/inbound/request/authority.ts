// Escapes are left out, which RFC 3986 allows in names: no host is called so, and readers of URLs decode them.
const AUTHORITY = /^(?:[\w.~!$&'()*+,;=-]*|\[[\dA-Fa-f:.]+\])(?::\d*)?$/;

/**
 * Whether a text is a host with or without a port (RFC 9110 §7.2), or empty. In `u@api`, `api/x` and `api?x`, which are
 * none, a policy would see another host than an application that makes a URL of it.
 */
export function isAuthority(text: string): boolean {
  return AUTHORITY.test(text);
}
