import { join } from 'node:path';
import { RampartError } from '@rampart/core';
import { createLogger, startControlPlane } from '@rampart/server';
import type { ControlPlane } from '@rampart/server';
import { describeExit } from '../process/child.ts';
import type { Child } from '../process/child.ts';
import { until } from '../process/condition.ts';
import { freeOr0 } from '../process/port.ts';
import { sendFirst, startUsers } from '../traffic/users.ts';
import type { UserPlan } from '../traffic/users.ts';
import { NODE_SERVICES } from '../workloads.ts';
import type { NodeWorkload } from '../workloads.ts';
import type { World } from '../world.ts';
import { openOperator } from './admin.ts';
import type { AdminClient, Operator } from './admin.ts';
import { POLICIES } from './folders.ts';
import { applyPolicies, atPort, FRONTEND_POLICY, readPolicies } from './policies.ts';
import type { PolicyFile } from './policies.ts';
import { Records } from './records.ts';
import { allInStep, registeredPorts } from './registration.ts';
import { startForeign } from './foreign-services.ts';
import type { AbsentService } from './foreign-services.ts';
import { Staff } from './staff.ts';
import type { Invitation, MeshDoor, StartedService } from './staff.ts';

/** A running service of the shop. */
export interface RunningService extends StartedService {
  /** Where it listens, as the registry has it. */
  readonly port: number;
}

/** When each step of the start was over, in milliseconds since this process was started. */
export interface StartTimes {
  readonly loaded: number;
  readonly controlPlane: number;
  readonly policies: number;
  readonly spawned: number;
  readonly registered: number;
  /** Every service that an order needs enforces the policies: users may come in. */
  readonly open: number;
  /** The services behind sidecars do as well. */
  readonly complete: number;
}

export interface ShopSettings {
  /** Resolves when services can start fast. */
  readonly warm: Promise<void>;
  readonly dataDirectory: string;
  /** 0 lets the system choose; undefined takes the usual port when it is free, else any. */
  readonly ports: {
    readonly api: number | undefined;
    readonly metrics: number | undefined;
    readonly frontend: number | undefined;
  };
  readonly users: UserPlan;
  /** Called when a process ends that nobody asked to end. */
  readonly onDeath: (child: Child) => void;
}

/** The whole shop: the control plane in this process, every service in a process of its own. */
export interface Shop extends Operator {
  readonly controlPlane: ControlPlane;
  readonly records: Records;
  readonly staff: Staff;
  readonly services: readonly RunningService[];
  /** Services that are left out, because this machine has no program to run them with. */
  readonly absent: readonly AbsentService[];
  /** "http://127.0.0.1:8080", where users come in. */
  readonly frontend: string;
  /** The first has come already, the others wait to be let in. */
  readonly users: Child;
  readonly door: MeshDoor;
  /** Number of resources applied. */
  readonly policies: number;
  readonly times: StartTimes;
  stop(): Promise<void>;
}

const USUAL_PORTS = { api: 8443, metrics: 9090, frontend: 8080 };
const READY_WITHIN_MS = 20_000;

/** Starts the shop; when that fails, nothing is left running. */
export async function startShop(world: World, settings: ShopSettings): Promise<Shop> {
  const loaded = world.uptime();
  const controlPlane = await startMesh(world, settings);
  const staff = new Staff(world, settings.onDeath);
  try {
    return await openShop({ world, settings, controlPlane, staff, loaded });
  } catch (error) {
    await staff.dismiss();
    await controlPlane.stop();
    throw error;
  }
}

async function startMesh(world: World, settings: ShopSettings): Promise<ControlPlane> {
  const { api, metrics } = settings.ports;
  return startControlPlane({
    dataDirectory: settings.dataDirectory,
    ports: { api: api ?? (await freeOr0(USUAL_PORTS.api)), metrics: metrics ?? (await freeOr0(USUAL_PORTS.metrics)) },
    log: createLogger({ level: 'warn', destination: world.err, pretty: world.err.isTerminal }),
  });
}

async function openShop(parts: {
  readonly world: World;
  readonly settings: ShopSettings;
  readonly controlPlane: ControlPlane;
  readonly staff: Staff;
  readonly loaded: number;
}): Promise<Shop> {
  const { world, settings, controlPlane, staff } = parts;
  const door = {
    address: controlPlane.addresses.api,
    caFile: controlPlane.caFile,
    adminTokenFile: controlPlane.adminTokenFile,
    spoolDirectory: join(controlPlane.dataDirectory, 'spool'),
  };
  const times = { loaded: parts.loaded, controlPlane: world.uptime() };
  const { admin, tokens } = await openOperator(door);
  const records = Records.follow(admin);
  const wanted = settings.ports.frontend ?? (await freeOr0(USUAL_PORTS.frontend));
  const files = await readPolicies(POLICIES);
  // No service starts before its policies are there: a mesh without policies lets everyone in.
  const frontendFiles = files.filter(({ file }) => file === FRONTEND_POLICY);
  const early = wanted === 0 ? files.filter((file) => !frontendFiles.includes(file)) : at(files, wanted);
  const [applied, ...invited] = await Promise.all([applyPolicies(admin, early), ...inviteAll(admin)]);
  await settings.warm;
  const afterPolicies = world.uptime();

  const first = invited.map((service) => startNode(staff, { service, door, frontend: wanted }));
  const users = startUsers(staff, settings.users);
  const spawned = world.uptime();
  const ports = await alive(first, registration(admin, first));
  const registered = world.uptime();
  const frontendPort = ports.get('frontend') ?? 0;
  const late = wanted === 0 ? at(frontendFiles, frontendPort) : [];
  const policies = applied + (await applyPolicies(admin, late));
  await alive(first, inStep(admin, first));
  const open = world.uptime();
  const frontend = `http://127.0.0.1:${frontendPort}`;
  sendFirst(users, frontend, settings.users);

  // An order needs none of these. They are started when what users wait for no longer needs the machine.
  const { started: others, absent } = await startForeign({
    world,
    admin,
    staff,
    door,
    directory: controlPlane.dataDirectory,
  });
  const otherPorts = await alive([...first, ...others], registration(admin, others));
  await alive([...first, ...others], inStep(admin, others));
  return {
    ...{ controlPlane, admin, tokens, door, records, staff, frontend, users, policies },
    services: [...located(first, ports), ...located(others, otherPorts)],
    absent,
    times: { ...times, policies: afterPolicies, spawned, registered, open, complete: world.uptime() },
    stop: async () => {
      await staff.dismiss();
      records.stop();
      await controlPlane.stop();
    },
  };
}

function located(started: readonly StartedService[], ports: ReadonlyMap<string, number>): RunningService[] {
  return started.map((service) => ({ ...service, port: ports.get(service.workload.name) ?? 0 }));
}

interface Invited {
  readonly workload: NodeWorkload;
  readonly invitation: Invitation;
}

function inviteAll(admin: AdminClient): Promise<Invited>[] {
  return NODE_SERVICES.map(async (workload) => ({ workload, invitation: await Staff.invite(workload, admin) }));
}

function startNode(
  staff: Staff,
  { service, door, frontend }: { readonly service: Invited; readonly door: MeshDoor; readonly frontend: number },
): StartedService {
  const { workload, invitation } = service;
  const child = staff.join(workload, { door, invitation }, { port: workload.name === 'frontend' ? frontend : 0 });
  return { workload, child, spiffeId: invitation.spiffeId };
}

function at(files: readonly PolicyFile[], port: number): PolicyFile[] {
  return files.map((policy) => (policy.file === FRONTEND_POLICY ? atPort(policy, port) : policy));
}

async function registration(
  admin: AdminClient,
  started: readonly StartedService[],
): Promise<ReadonlyMap<string, number>> {
  const workloads = started.map(({ workload }) => workload);
  const ports = await until(READY_WITHIN_MS, () => registeredPorts(admin, workloads));
  if (ports === undefined)
    throw new RampartError('NO_HEALTHY_INSTANCE', `the services did not register within ${READY_WITHIN_MS} ms`);
  return ports;
}

async function inStep(admin: AdminClient, services: readonly StartedService[]): Promise<void> {
  const identities = services.map((service) => service.spiffeId);
  if (await allInStep(admin, identities, READY_WITHIN_MS)) return;
  throw new RampartError('POLICY_NOT_READY', `not every service enforced the policies within ${READY_WITHIN_MS} ms`);
}

/** What `work` gives, unless one of the services dies first. */
function alive<T>(started: readonly { readonly child: Child }[], work: Promise<T>): Promise<T> {
  return Promise.race([work, ...started.map(({ child }) => death(child))]);
}

async function death(child: Child): Promise<never> {
  const exit = await child.exited;
  const words = child.lastWords.map((line) => `\n  ${line}`).join('');
  throw new RampartError(
    'NO_HEALTHY_INSTANCE',
    `${child.name} ended while the shop was starting: ${describeExit(exit)}${words}`,
  );
}
