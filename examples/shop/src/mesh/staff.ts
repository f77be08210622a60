import { RampartError } from '@rampart/core';
import { Child } from '../process/child.ts';
import type { NodeWorkload, ShopWorkload } from '../workloads.ts';
import type { PreparedCommand } from '../programs/foreign-program.ts';
import type { World } from '../world.ts';
import type { AdminClient } from './admin.ts';
import { COMMAND } from './folders.ts';

/** What a process needs to find the mesh. */
export interface MeshDoor {
  readonly address: string;
  readonly caFile: string;
  /** Where data planes keep records while the control plane is away, so that nothing is left elsewhere. */
  readonly spoolDirectory: string;
}

const GRACE_MS = 3000;
const LEASH = new URL('../process/leash.ts', import.meta.url).href;
const LEASH_OF_COMMAND = new URL('../process/leash-of-command.ts', import.meta.url).href;
const REGISTER = import.meta.resolve('@rampart/node/register');

/** What lets one process in as a workload, once. */
export interface Invitation {
  readonly token: string;
  readonly spiffeId: string;
}

/** A service whose process was started. */
export interface StartedService {
  readonly workload: ShopWorkload;
  readonly spiffeId: string;
  readonly child: Child;
}

/** How one process comes into the mesh. */
interface MeshEntry {
  readonly door: MeshDoor;
  readonly invitation: Invitation;
}

/** Every process the demo has started, so that none is ever left behind. */
export class Staff {
  readonly #world: World;
  readonly #onDeath: (child: Child) => void;
  readonly #children = new Set<Child>();
  #isDismissed = false;

  constructor(world: World, onDeath: (child: Child) => void) {
    this.#world = world;
    this.#onDeath = onDeath;
  }

  /** Gets a join token for a workload. */
  static async invite(workload: ShopWorkload, admin: AdminClient): Promise<Invitation> {
    const { namespace, serviceAccount, service, labels } = workload;
    return admin.createJoinToken({ workload: { namespace, serviceAccount, service, labels } });
  }

  /** Starts an unchanged program as a workload of the mesh: a join token, and the mesh preloaded into Node. */
  join(
    workload: NodeWorkload,
    mesh: MeshEntry,
    options: {
      readonly port: number;
      readonly arguments?: readonly string[];
      readonly environment?: Readonly<Record<string, string>>;
      readonly onLine?: (line: string) => void;
    },
  ): Child {
    return this.#start(workload.name, {
      arguments: ['--import', LEASH, '--import', REGISTER, workload.entry, ...(options.arguments ?? [])],
      environment: {
        ...{ PORT: String(options.port), RAMPART_LOG: 'error' },
        ...options.environment,
        ...environmentOf(mesh),
      },
      ...(options.onLine === undefined ? {} : { onLine: options.onLine }),
    });
  }

  /** Starts an unchanged program of any language as a workload of the mesh, with a sidecar in front of `port`. */
  joinBehindSidecar(
    workload: ShopWorkload,
    mesh: MeshEntry,
    { command, port }: { readonly command: PreparedCommand; readonly port: number },
  ): Child {
    return this.#start(workload.name, {
      arguments: [
        ...['--import', LEASH_OF_COMMAND, COMMAND, 'run', '--service', workload.service],
        ...['--namespace', workload.namespace, '--app-port', String(port), '--', ...command.words],
      ],
      environment: { ...command.environment, ...environmentOf(mesh) },
    });
  }

  /** Starts a program that has nothing to do with the mesh. */
  run(
    name: string,
    program: {
      readonly file: string;
      readonly arguments?: readonly string[];
      readonly onLine?: (line: string) => void;
      /** An exit code other than 0 is nothing to worry about. */
      readonly mayFail?: boolean;
    },
  ): Child {
    return this.#start(name, {
      arguments: [program.file, ...(program.arguments ?? [])],
      environment: {},
      ...(program.mayFail === undefined ? {} : { mayFail: program.mayFail }),
      ...(program.onLine === undefined ? {} : { onLine: program.onLine }),
    });
  }

  /** Stops everything that still runs. */
  async dismiss(): Promise<void> {
    this.#isDismissed = true;
    await Promise.all([...this.#children].map((child) => child.stop(GRACE_MS)));
  }

  #start(
    name: string,
    program: {
      readonly arguments: readonly string[];
      readonly environment: Readonly<Record<string, string>>;
      readonly onLine?: (line: string) => void;
      readonly mayFail?: boolean;
    },
  ): Child {
    const { environment, mayFail = false, ...rest } = program;
    if (this.#isDismissed) throw new RampartError('INTERNAL', `${name} is not started any more: the shop closes`);
    const child = new Child({
      name,
      node: this.#world.node,
      environment: { ...this.#world.environment, ...environment },
      ...rest,
    });
    this.#children.add(child);
    void this.#watch(child, mayFail);
    return child;
  }

  async #watch(child: Child, mayFail: boolean): Promise<void> {
    const { code } = await child.exited;
    this.#children.delete(child);
    if (!child.stopping && !mayFail && code !== 0) this.#onDeath(child);
  }
}

function environmentOf({ door, invitation }: MeshEntry): Record<string, string> {
  return {
    RAMPART_CONTROL_PLANE: door.address,
    RAMPART_CA_FILE: door.caFile,
    RAMPART_JOIN_TOKEN: invitation.token,
    RAMPART_SPOOL_DIRECTORY: door.spoolDirectory,
  };
}
