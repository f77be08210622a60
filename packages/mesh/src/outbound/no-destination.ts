import type { Verdict } from '@rampart/core';

import { ResponseFlag } from '../record/flags.ts';
import type { NoDestination } from '../traffic/call/surroundings.ts';
import type { MeshService } from '../view/endpoint.ts';
import { EgressDenied } from './egress-denied.ts';
import type { Route } from './outbound.ts';

const FORBIDDEN = 403;
const UNAVAILABLE = 503;

/** What a caller is told whose request a rule sends to a name that leads nowhere: rules open no way that is not there. */
export function noDestination(host: string, route: Route): NoDestination {
  if (route.kind === 'failed') return { status: UNAVAILABLE, flag: ResponseFlag.noRoute, reason: route.error.message };
  return {
    status: UNAVAILABLE,
    flag: ResponseFlag.noRoute,
    reason: `a rule sends requests to ${host}, which is no service of the mesh`,
  };
}

/** No instance of the service is within this workload's reach. */
export function deniedDestination({ host }: MeshService, refusal: Verdict): NoDestination {
  const { message, ending } = new EgressDenied(host, refusal);
  return { status: FORBIDDEN, flag: ResponseFlag.denied, reason: message, policy: ending.policy };
}
