import { join } from 'node:path';
import { freePort } from '../process/port.ts';
import type { FoundProgram } from '../programs/foreign-program.ts';
import { SIDECAR_SERVICES } from '../workloads.ts';
import type { ShopWorkload, SidecarWorkload } from '../workloads.ts';
import type { World } from '../world.ts';
import type { AdminClient } from './admin.ts';
import { Staff } from './staff.ts';
import type { MeshDoor, StartedService } from './staff.ts';

/** Services that are no Node programs, sorted by whether this machine can run them. */
export interface ForeignServices {
  readonly started: readonly StartedService[];
  readonly absent: readonly AbsentService[];
}

/** A service that is left out. */
export interface AbsentService {
  readonly workload: ShopWorkload;
  /** What this machine has not: "python3". */
  readonly needs: string;
}

interface Start {
  readonly world: World;
  readonly admin: AdminClient;
  readonly staff: Staff;
  readonly door: MeshDoor;
  /** Each service gets a folder of its own in it. */
  readonly directory: string;
}

/** Starts those that this machine has the programs for, each with its sidecar, all at once. */
export async function startForeign(start: Start): Promise<ForeignServices> {
  const started: StartedService[] = [];
  const absent: AbsentService[] = [];
  const looked = await Promise.all(SIDECAR_SERVICES.map((workload) => startIfFound(workload, start)));
  for (const [index, workload] of SIDECAR_SERVICES.entries()) {
    const service = looked[index];
    if (service === undefined) absent.push({ workload, needs: workload.program.needs });
    else started.push(service);
  }
  return { started, absent };
}

async function startIfFound(workload: SidecarWorkload, start: Start): Promise<StartedService | undefined> {
  const found = await workload.program.find(start.world);
  return found === undefined ? undefined : startFound({ workload, found }, start);
}

async function startFound(
  { workload, found }: { readonly workload: ShopWorkload; readonly found: FoundProgram },
  { admin, staff, door, directory }: Start,
): Promise<StartedService> {
  const port = await freePort();
  const [invitation, command] = await Promise.all([
    Staff.invite(workload, admin),
    found.prepare({ port, folder: join(directory, 'services', workload.name) }),
  ]);
  const child = staff.joinBehindSidecar(workload, { door, invitation }, { command, port });
  return { workload, child, spiffeId: invitation.spiffeId };
}

/** "catalog is left out: this machine has no nginx that works". */
export function describeAbsence({ workload, needs }: AbsentService): string {
  return `${workload.name} is left out: this machine has no ${needs} that works`;
}
