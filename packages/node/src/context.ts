import { AsyncLocalStorage } from 'node:async_hooks';

import type { TraceContext } from '@rampart/mesh';

/** The incoming request that the running code is handling, so that the calls it makes continue the same trace. */
export const currentRequest: AsyncLocalStorage<TraceContext> = new AsyncLocalStorage();
