import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { Clock } from '@rampart/core';
import { memberOf, portableUpdate, sharedState, StandingReport } from '@rampart/mesh';
import type { DataPlane, LogLevel, MeshLog, MetricFamily } from '@rampart/mesh';

import type { SidecarPlaces } from '../sidecar/sidecar-config.ts';
import { Member, remains } from './member.ts';
import type { OpenPorts, ToWorker } from './messages.ts';
import { SharedDoors } from './shared-doors.ts';
import { SharedInstances } from './shared-instances.ts';

/** How the processes of a sidecar are started. */
export interface ProcessesOptions {
  /** At least 2. */
  readonly count: number;
  /** Flags for Node. */
  readonly execArgv: readonly string[];
  /** What is undefined in it is not handed on. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logLevel: LogLevel;
}

export interface CrewOptions extends ProcessesOptions {
  readonly plane: DataPlane;
  readonly places: SidecarPlaces;
  readonly isCounted: boolean;
  readonly rootNamespace: string;
  readonly clock: Clock;
  readonly log: MeshLog;
  readonly version: string;
}

const PROGRAM = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './worker-process.ts' : './worker-process.js', import.meta.url),
);
/** A process that ends sooner is started again after a pause of as long. */
const STEADY_MS = 2000;
/** A process that does not answer is asked again with the next question. */
const ANSWER_MS = 1000;
/** Beyond what they were given. */
const GRACE_MS = 1000;

/**
 * The processes that serve for a sidecar: they share its ports, each connection goes to one of them in turn. One that ends
 * is replaced. All of them are the same member of the mesh: identity and policies come from the process that leads, over
 * the pipe to each, and nowhere else.
 */
export class Crew {
  readonly #options: CrewOptions;
  readonly #members = new Map<number, Member>();
  readonly #doors = new SharedDoors();
  readonly #instances: SharedInstances;
  readonly #standings: StandingReport;
  /** What it was at first: names are served by one process, and by the one that takes its place. */
  #dnsPort: number | undefined;
  #departed: readonly MetricFamily[] = [];
  #isLeaving = false;

  constructor(options: CrewOptions) {
    this.#options = options;
    const { plane } = options;
    this.#instances = new SharedInstances(plane.instances);
    this.#standings = plane.standing ?? new StandingReport();
    plane.view.follow((update) => this.#tell({ kind: 'update', update: portableUpdate(update) }));
    plane.identity.subscribe(() => {
      const member = memberOf(plane);
      if (member !== undefined) this.#tell({ kind: 'member', member });
    });
  }

  /** Rejects with what kept the first one from opening its ports; the others take the same. */
  async open(): Promise<OpenPorts> {
    const opened = await this.#fork(0).opened;
    this.#dnsPort = opened.dnsPort;
    const others = Array.from({ length: this.#options.count - 1 }, (_, index) => this.#fork(index + 1).opened);
    await Promise.all(others);
    return opened;
  }

  /** Out of the registry, for good. */
  withdraw(): void {
    this.#instances.close();
  }

  /** What all of them have counted, those that are gone included. */
  async count(): Promise<readonly (readonly MetricFamily[])[]> {
    const all = [...this.#members.values()].map((member) => this.#within(ANSWER_MS, member.count(), member.counted));
    return [this.#departed, ...(await Promise.all(all))];
  }

  /** Resolves when what was under way is over, or after `milliseconds`. */
  async drain(milliseconds: number): Promise<void> {
    this.#isLeaving = true;
    this.#doors.close();
    this.#tell({ kind: 'drain', milliseconds });
    const drained = Promise.all([...this.#members.values()].map((member) => member.drained));
    await this.#within(milliseconds + GRACE_MS, drained, []);
  }

  /** Resolves when every process has ended; one that does not within `milliseconds` is killed. */
  async stop(milliseconds: number): Promise<void> {
    this.#isLeaving = true;
    this.#doors.close();
    this.#tell({ kind: 'stop' });
    const members = [...this.#members.values()];
    const gone = Promise.all(members.map((member) => member.exited));
    await this.#within(milliseconds + GRACE_MS, gone, []);
    for (const member of this.#members.values()) member.kill();
    await gone;
  }

  #tell(message: ToWorker): void {
    for (const member of this.#members.values()) member.send(message);
  }

  /** The first one alone answers DNS: names lead to addresses that it listens on. */
  #fork(place: number): Member {
    const { plane, execArgv, environment, clock, log, isCounted, rootNamespace, logLevel, version } = this.#options;
    const startedAt = clock.now();
    const child = fork(PROGRAM, {
      execArgv: [...execArgv],
      env: environment,
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const member = new Member(child, {
      plane,
      doors: this.#doors,
      instances: this.#instances,
      standings: this.#standings,
      start: () => {
        const state = sharedState(plane);
        return { kind: 'start', places: this.#placesOf(place), isCounted, rootNamespace, state, logLevel, version };
      },
    });
    this.#members.set(place, member);
    void member.exited.then(({ code, signal }) => {
      this.#members.delete(place);
      this.#departed = remains(this.#departed, member);
      if (this.#isLeaving) return;
      log.warn('a process of this sidecar ended, another one takes its place', { place, end: signal ?? code });
      const isSteady = clock.now() - startedAt >= STEADY_MS;
      clock.after(isSteady ? 0 : STEADY_MS, () => {
        if (!this.#isLeaving) this.#replace(place);
      });
    });
    return member;
  }

  #placesOf(place: number): SidecarPlaces {
    const { names, ...places } = this.#options.places;
    if (place !== 0 || names === undefined) return places;
    return { ...places, names: { ...names, port: this.#dnsPort ?? names.port } };
  }

  #replace(place: number): void {
    const member = this.#fork(place);
    member.opened.catch((error: unknown) => {
      this.#options.log.error('a process of this sidecar does not serve', { place, error });
      member.kill();
    });
  }

  #within<T>(milliseconds: number, work: Promise<T>, otherwise: T): Promise<T> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(milliseconds, () => resolve(otherwise));
      void work.then((value) => {
        timer.cancel();
        resolve(value);
      });
    });
  }
}
