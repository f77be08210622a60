import { fileURLToPath } from 'node:url';
import type { Shop } from '../mesh/shop.ts';
import { Staff } from '../mesh/staff.ts';
import { BATCH } from '../workloads.ts';
import type { Attempt } from './attempt.ts';

const OUTSIDER = fileURLToPath(new URL('outsider.ts', import.meta.url));

/** What the intruder saw, attempt by attempt. */
export interface AttackReport {
  readonly attempts: readonly Attempt[];
  /** SPIFFE ID of the workload that the intruder runs inside the mesh. */
  readonly insider: string;
}

/** Lets the intruder loose on orders-api and on a service behind a sidecar, from outside the mesh and from inside it. */
export async function attack(shop: Shop): Promise<AttackReport> {
  const attempts: Attempt[] = [];
  const onLine = (line: string): void => {
    attempts.push(JSON.parse(line) as Attempt);
  };
  const portOf = (name: string): number | undefined =>
    shop.services.find(({ workload }) => workload.name === name)?.port;
  const sidecar = portOf('delivery-api') ?? portOf('catalog');
  const outsider = shop.staff.run('intruder', {
    file: OUTSIDER,
    arguments: [String(portOf('orders-api') ?? 0), shop.door.caFile, String(sidecar ?? '')],
    onLine,
  });
  const invitation = await Staff.invite(BATCH, shop.admin);
  const child = shop.staff.join(BATCH, { door: shop.door, invitation }, { port: 0, onLine });
  await Promise.all([outsider.exited, child.exited]);
  return { attempts, insider: invitation.spiffeId };
}
