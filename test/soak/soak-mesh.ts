import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { until } from '@rampart/testkit';

import { ControlPlaneProcess } from '../harness/control-plane.ts';
import { bareEnvironment } from '../harness/environment.ts';
import { SidecarProcess } from '../harness/sidecar.ts';
import { Workload } from '../harness/workload.ts';
import { STANDING } from './soak-policies.ts';

/** Services of which one instance stays and another one comes and goes. */
export type SoakService = 'stock' | 'orders' | 'mail';

/** One instance of a service. */
type Instance = SidecarProcess | Workload;

interface Ports {
  readonly orders: number;
  readonly mail: number;
}

const APPLICATIONS = fileURLToPath(new URL('../services/soak/applications.mjs', import.meta.url));
const COLLECTING = new URL('../services/soak/collecting.mjs', import.meta.url);
/**
 * A young generation as small as that of sidecars, in all of them: V8 gives busy processes one that is ten times larger, whenever it comes to
 * that, and keeps its pages.
 */
const YOUNG_GENERATION = '--max-semi-space-size=2';
/** Folder in that of the control plane, where processes note what they hold. */
const HELD = 'held';
const IN_STEP_MS = 20_000;
/** A second address of this machine, so that both instances of a TCP service can have the same port. */
const HOSTS = ['127.0.0.1', '127.0.0.2'] as const;
/** Services and callers, with two instances of each service. */
const DATA_PLANES = 11;

/** Real processes: services with the mesh in them and behind sidecars, over HTTP and TCP, and everybody who calls them. */
export class SoakMesh {
  readonly plane: ControlPlaneProcess;
  /** Port of the TCP service, at every instance. */
  readonly mailPort: number;
  readonly #applications: ChildProcess;
  readonly #ports: Ports;
  readonly #staying = new Map<string, Instance>();
  readonly #passing = new Map<SoakService, Instance>();
  readonly #ended: Instance[] = [];
  /** Of what lives as long as the mesh does. */
  readonly #env: Readonly<Record<string, string>>;

  private constructor(plane: ControlPlaneProcess, applications: ChildProcess, ports: Ports & { mailPort: number }) {
    this.plane = plane;
    this.#applications = applications;
    this.#ports = ports;
    this.mailPort = ports.mailPort;
    this.#env = {
      NODE_OPTIONS: `${YOUNG_GENERATION} --import=${COLLECTING.href}`,
      SOAK_HELD_DIRECTORY: join(plane.folder, HELD),
    };
  }

  /** @param workloadTtl as `rampart up --workload-ttl` takes it */
  static async start(workloadTtl: string): Promise<SoakMesh> {
    const plane = await ControlPlaneProcess.start({ workloadTtl });
    await plane.apply(STANDING);
    mkdirSync(join(plane.folder, HELD));
    const applications = fork(APPLICATIONS, [], {
      env: bareEnvironment(),
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const [ports] = (await once(applications, 'message')) as [Ports];
    const mesh = new SoakMesh(plane, applications, { ...ports, mailPort: await freePort() });
    await mesh.#populate();
    return mesh;
  }

  /** A caller, by the name of its service account. */
  workload(name: string): Workload {
    const found = this.#staying.get(name);
    if (found instanceof Workload) return found;
    throw new Error(`${name} has no mesh in its process`);
  }

  /** HTTP proxy port of a caller behind a sidecar. */
  proxyOf(name: string): number {
    const found = this.#staying.get(name);
    if (found instanceof SidecarProcess) return found.announcement.proxyPort;
    throw new Error(`${name} has no sidecar`);
  }

  /** Processes that stay, by what they are. */
  processes(): ReadonlyMap<string, number> {
    const pids = new Map([...this.#staying].map(([name, { process }]) => [name, process.pid ?? 0]));
    if (this.plane.pid !== undefined) pids.set('control plane', this.plane.pid);
    return pids;
  }

  /** Has data planes that stay collect their garbage. */
  collect(): void {
    for (const { process } of this.#staying.values()) process.kill('SIGUSR2');
  }

  /** Bytes of objects that were left in a process when it last collected its garbage; undefined before. */
  held(pid: number): number | undefined {
    try {
      return Number(readFileSync(join(this.plane.folder, HELD, String(pid)), 'latin1'));
    } catch {
      return undefined;
    }
  }

  /** Starts another instance, then asks the one before it to leave; requests under way are its own to finish. */
  async replace(service: SoakService): Promise<void> {
    const last = this.#passing.get(service);
    // The TCP service has its port at one address only.
    if (service === 'mail' && last !== undefined) await this.#leave(last);
    this.#passing.set(service, await this.#begin(service, 1));
    if (service !== 'mail' && last !== undefined) await this.#leave(last);
  }

  /** Ends an instance without a word. */
  kill(service: SoakService): Promise<unknown> {
    const victim = this.#passing.get(service);
    this.#passing.delete(service);
    if (victim === undefined) return Promise.resolve();
    const gone = once(victim.process, 'exit');
    victim.process.kill('SIGKILL');
    return gone;
  }

  /** Every data plane is connected and enforces the newest revision. */
  async inStep(): Promise<void> {
    await until(
      'every data plane to be in step',
      async () => {
        const { revision, planes } = await this.plane.admin.getStatus({});
        const current = planes.filter((each) => each.ackedRevision >= revision && each.problem === '');
        return current.length >= DATA_PLANES && current.length === planes.length;
      },
      IN_STEP_MS,
    );
  }

  /** What the processes that are still there, or ended by themselves, have complained of. */
  complaints(): string[] {
    return [...this.#staying, ...this.#passing].flatMap(([name, { complaints }]) =>
      complaints
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => `${name}: ${line}`),
    );
  }

  /** Processes of those that stay that are no longer there. */
  dead(): string[] {
    return [...this.#staying].flatMap(([name, { process }]) =>
      process.exitCode === null && process.signalCode === null
        ? []
        : [`${name} ended with ${process.signalCode ?? process.exitCode ?? '?'}`],
    );
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#staying.values(), ...this.#passing.values(), ...this.#ended].map(end));
    this.#applications.kill('SIGKILL');
    await this.plane.stop();
  }

  async #populate(): Promise<void> {
    const services = (['stock', 'orders', 'mail'] as const).map(async (service) => {
      this.#staying.set(
        `${service} (${service === 'stock' ? 'in-process' : 'sidecar'})`,
        await this.#begin(service, 0),
      );
      this.#passing.set(service, await this.#begin(service, 1));
    });
    const inProcess = ['shopper', 'thief'].map(async (name) =>
      this.#staying.set(
        name,
        await Workload.start(this.plane, { script: 'soak/customer.mjs', serviceAccount: name, env: this.#env }),
      ),
    );
    const behindSidecars = ['walker', 'smuggler', 'guest'].map(async (name) =>
      this.#staying.set(name, await SidecarProcess.start(this.plane, { serviceAccount: name, env: this.#env })),
    );
    await Promise.all([...services, ...inProcess, ...behindSidecars]);
    await this.inStep();
  }

  #begin(service: SoakService, place: 0 | 1): Promise<Instance> {
    const identity = { serviceAccount: service, service, env: this.#env };
    if (service === 'stock') return Workload.start(this.plane, { ...identity, script: 'soak/stock.mjs' });
    const args = ['--app-port', String(this.#ports[service])];
    if (service === 'mail')
      args.push('--app-protocol', 'tcp', '--mesh-port', String(this.mailPort), '--mesh-host', HOSTS[place]);
    return SidecarProcess.start(this.plane, { ...identity, args });
  }

  async #leave(instance: Instance): Promise<void> {
    this.#ended.push(instance);
    await end(instance);
  }
}

async function end(instance: Instance): Promise<void> {
  if (instance instanceof Workload) await instance.kill('SIGTERM');
  else await instance.stop();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOSTS[0]);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
