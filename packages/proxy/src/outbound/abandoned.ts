import { failure } from '@rampart/mesh';
import type { Ending, OutboundExchange } from '@rampart/mesh';

import { GivenUpError } from '../http/given-up.ts';

/** How a request ends that its caller left, or that this sidecar gave up for it. */
export function endingOfAbandoned(exchange: OutboundExchange, error: Error): Ending {
  const ending = failure(exchange, error, { byCaller: true, connected: true });
  return error instanceof GivenUpError ? { ...ending, flag: error.flag } : ending;
}
