import { fileURLToPath } from 'node:url';
import type { Staff } from '../mesh/staff.ts';
import type { Child } from '../process/child.ts';
import type { ShopWorkload } from '../workloads.ts';
import type { Sights, UserRequest } from './journey.ts';

const LOADER = fileURLToPath(new URL('loader.ts', import.meta.url));

/** What users are to do, and who hears of it. */
export interface UserPlan {
  /** Requests a second; 0 for no pauses. */
  readonly rate: number;
  /** Visits in all; 0 goes on until the process is stopped. */
  readonly visits: number;
  readonly onRequest: (request: UserRequest) => void;
}

/** A process outside the mesh, in which users wait for the shop to open. */
export function startUsers(staff: Staff, { onRequest }: UserPlan): Child {
  return staff.run('users', {
    file: LOADER,
    onLine: (line) => onRequest(JSON.parse(line) as UserRequest),
  });
}

/** Sends the first of them to `target`; the others wait until `letIn`. */
export function sendFirst(users: Child, target: string, { rate, visits }: UserPlan): void {
  users.tell(JSON.stringify({ target, rate, visits }));
}

/** What there is to see in a shop with these services. */
export function sightsOf(services: readonly { readonly workload: ShopWorkload }[]): Sights {
  const has = (name: string): boolean => services.some(({ workload }) => workload.name === name);
  return { pictures: has('catalog'), deliveries: has('delivery-api') && has('catalog') };
}

/** Lets everybody in. */
export function letIn(users: Child, sights: Sights): void {
  users.tell(JSON.stringify(sights));
}
