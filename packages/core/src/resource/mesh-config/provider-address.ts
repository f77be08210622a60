import { parseIpAddress } from '../../policy/match/address/ip-block.ts';
import type { Cursor } from '../cursor.ts';

const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const HOST = new RegExp(`^${LABEL}(?:\\.${LABEL})*\\.?$`);
const NAMESPACE = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const MAX_HOST = 253;
/** What Envoy knows as `type.v3.StatusCode`. */
const STATUSES: ReadonlySet<number> = new Set([
  100, 200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 307, 308, 400, 401, 402, 403,
  404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 421, 422, 423, 424, 426, 428, 429, 431, 500,
  501, 502, 503, 504, 505, 506, 507, 508, 510, 511,
]);

/** "host" or "namespace/host" (Istio `validateExtensionProviderService`). */
export function readServiceHost(at: Cursor): string | undefined {
  return at.checked((text) => {
    const slash = text.indexOf('/');
    if (slash === -1 && parseIpAddress(text) !== undefined) return undefined;
    const host = text.slice(slash + 1);
    const isSound =
      host.length <= MAX_HOST && HOST.test(host) && (slash === -1 || NAMESPACE.test(text.slice(0, slash)));
    return isSound ? undefined : 'must be a host name such as authorizer.tools.svc.cluster.local, or namespace/host';
  }, 'a host name');
}

export function readPathPrefix(at: Cursor): string | undefined {
  return at.checked((text) => {
    if (!text.startsWith('/')) return 'must start with "/"';
    return /^[!-~]+$/.test(text) && !/[?#\\]/.test(text) ? undefined : 'must be a path, without query, spaces or "\\"';
  }, 'a path');
}

/** An HTTP status, as a string the way Istio has it, or as a number. */
export function readStatus(at: Cursor): number | undefined {
  const { value } = at;
  const status = typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value;
  if (typeof status === 'number' && STATUSES.has(status)) return status;
  return at.mustBe('a known HTTP status such as "403"');
}
