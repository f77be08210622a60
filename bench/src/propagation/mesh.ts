import { toJson } from '@rampart/core';

import { resourceOf } from '../policy/resources.ts';
import { createWorld, ROOT } from '../policy/world.ts';
import type { ConsoleWorkload } from './admin-console.ts';
import { PROBE } from './order.ts';

export interface FleetWorkload extends ConsoleWorkload {
  readonly id: string;
  readonly port: number;
}

const POLICIES = 100;
const FIRST_PORT = 20_000;

/** Instances of the hundred services, in turn. */
export function workloads(count: number): FleetWorkload[] {
  const { services } = createWorld(POLICIES);
  return Array.from({ length: count }, (_, index) => {
    const service = services[index % services.length];
    if (service === undefined) throw new Error('there are no services');
    const { namespace, app } = service;
    const workload = { namespace, serviceAccount: app, service: app, labels: { app } };
    return { ...workload, id: `${namespace}-${app}-${index}`, port: FIRST_PORT + index };
  });
}

/** What stands while the changes are made: a hundred policies, and the probe allowed everywhere. */
export function standingPolicies(): string {
  const { policies } = createWorld(POLICIES);
  const probe = { principals: [PROBE], methods: ['GET'], paths: ['/probe/*'] };
  const all = [...policies, { ...root('allow-probe', 'ALLOW'), rules: [probe] }];
  return all.map((policy) => toJson(resourceOf(policy))).join('\n---\n');
}

/** The change of one round, about every workload of the mesh. */
export function probeDenial(path: string): string {
  return toJson(resourceOf({ ...root('deny-probe', 'DENY'), rules: [{ principals: [PROBE], paths: [path] }] }));
}

function root<Action extends 'ALLOW' | 'DENY'>(
  name: string,
  action: Action,
): { readonly name: string; readonly namespace: string; readonly app: undefined; readonly action: Action } {
  return { name, namespace: ROOT, app: undefined, action };
}
