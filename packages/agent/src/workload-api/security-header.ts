import { Code, ConnectError } from '@connectrpc/connect';
import type { HandlerContext } from '@connectrpc/connect';
import { SpiffeWorkloadAPI } from '@rampart/wire/workload-api';

const HEADER = 'workload.spiffe.io';

/**
 * Every call of the Workload API says that it is one, exactly once (SPIFFE_Workload_Endpoint.md §4.2): a request that somebody
 * was tricked into sending here does not. Several values come joined, and are not "true" then.
 */
export function requireSecurityHeader({ service, requestHeader }: HandlerContext): void {
  if (service.typeName !== SpiffeWorkloadAPI.typeName || requestHeader.get(HEADER) === 'true') return;
  throw new ConnectError(
    `the metadata "${HEADER}: true" is missing; it must be there exactly once`,
    Code.InvalidArgument,
  );
}
