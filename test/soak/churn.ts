import type { Casualty, Judgement } from './judgement.ts';
import type { SoakMesh, SoakService } from './soak-mesh.ts';
import { DISTRACTION, DOOR, NAMES } from './soak-policies.ts';

/** What churn works on. */
export interface ChurnPlace {
  readonly mesh: SoakMesh;
  readonly judgement: Judgement;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** The process of the control plane is another one. */
  readonly onNewControlPlane: () => void;
}

/** One thing that happens to a mesh in its life, under load. */
export interface Disturbance {
  readonly name: string;
  /** Whether it gives the control plane another process, whose memory then begins anew. */
  readonly isRestart?: boolean;
  happen(place: ChurnPlace): Promise<void>;
}

const OUTAGE_MS = 1500;
const AFTER_DEATH_MS = 1000;
const REASON = 'soak';

/** In the order in which they happen, again and again. */
export const DISTURBANCES: readonly Disturbance[] = [
  replacement('stock'),
  { name: 'door opened', happen: (place) => moveDoor(place, true) },
  replacement('orders'),
  restart('control plane stopped and started', (mesh) => mesh.plane.rest()),
  { name: 'intermediate rotated', happen: rotateIntermediate },
  { name: 'door closed', happen: (place) => moveDoor(place, false) },
  death('orders'),
  replacement('mail'),
  { name: 'policies of others come and go', happen: distract },
  restart('control plane killed and started', (mesh) => mesh.plane.kill()),
  death('stock'),
  { name: 'door opened', happen: (place) => moveDoor(place, true) },
  { name: 'root rotated', happen: rotateRoot },
  death('mail'),
  { name: 'door closed', happen: (place) => moveDoor(place, false) },
];

function replacement(service: SoakService): Disturbance {
  return { name: `instance of ${service} replaced`, happen: ({ mesh }) => mesh.replace(service) };
}

function death(service: SoakService): Disturbance {
  return {
    name: `instance of ${service} killed`,
    happen: async ({ mesh, judgement, now }) => {
      const casualty: Casualty = { service, at: now(), goneAt: undefined };
      judgement.casualties.push(casualty);
      await mesh.kill(service);
      casualty.goneAt = now();
      await pause(AFTER_DEATH_MS);
      await mesh.replace(service);
    },
  };
}

function restart(name: string, end: (mesh: SoakMesh) => Promise<void>): Disturbance {
  return {
    name,
    isRestart: true,
    happen: async ({ mesh, onNewControlPlane }) => {
      await end(mesh);
      await pause(OUTAGE_MS);
      await mesh.plane.up();
      onNewControlPlane();
      await mesh.inStep();
    },
  };
}

/** Opens or closes the services to guests, and waits until nobody enforces anything else. */
async function moveDoor({ mesh, judgement, now }: ChurnPlace, isOpen: boolean): Promise<void> {
  await mesh.inStep();
  judgement.doorMoves(now());
  if (isOpen) await mesh.plane.apply(DOOR);
  else await remove(mesh, NAMES.door);
  await mesh.inStep();
  judgement.doorIs(isOpen, now());
}

async function distract({ mesh }: ChurnPlace): Promise<void> {
  await mesh.plane.apply(DISTRACTION);
  await mesh.inStep();
  await remove(mesh, NAMES.distraction);
  await mesh.inStep();
}

async function remove({ plane }: SoakMesh, names: readonly string[]): Promise<void> {
  const resources = names.map((name) => ({ kind: 'AuthorizationPolicy', namespace: 'default', name }));
  await plane.admin.deleteResources({ resources });
}

async function activeSerial({ plane }: SoakMesh, kind: string): Promise<string> {
  const { authorities } = await plane.admin.listAuthorities({});
  return authorities.find((each) => each.kind === kind && each.state === 'active')?.serial ?? '';
}

/** Every certificate is replaced at once. */
async function rotateIntermediate({ mesh }: ChurnPlace): Promise<void> {
  const { admin } = mesh.plane;
  const serial = await activeSerial(mesh, 'intermediate');
  await admin.prepareAuthority({ kind: 'intermediate' });
  await admin.activateAuthority({ kind: 'intermediate' });
  await admin.taintAuthority({ serial, reason: REASON });
  await mesh.inStep();
}

async function rotateRoot({ mesh }: ChurnPlace): Promise<void> {
  const { admin } = mesh.plane;
  const serial = await activeSerial(mesh, 'root');
  await admin.prepareAuthority({ kind: 'root' });
  await mesh.inStep();
  await admin.activateAuthority({ kind: 'root', now: true });
  await admin.taintAuthority({ serial, reason: REASON });
  await mesh.inStep();
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
