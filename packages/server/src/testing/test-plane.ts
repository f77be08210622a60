import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSystemClock } from '../clock.ts';
import { type ControlPlane, startControlPlane } from '../control-plane.ts';
import type { ControlPlaneOptions } from '../control-plane-options.ts';
import { createLogger, type Logger } from '../log.ts';
import { endProcesses } from './plane-process.ts';

const silentLog: Logger = createLogger({
  level: 'silent',
  destination: { write: () => undefined },
  pretty: false,
});

/** Control planes of one test on a directory of their own. */
export class TestPlanes {
  readonly #running: ControlPlane[] = [];
  readonly #clients: { close(): void }[] = [];
  #root = '';

  get dataDirectory(): string {
    return join(this.#root, 'data');
  }

  /** The one that was started last. */
  get latest(): ControlPlane {
    const plane = this.#running.at(-1);
    if (plane === undefined) throw new Error('no control plane was started');
    return plane;
  }

  async open(): Promise<void> {
    this.#root = await mkdtemp(join(tmpdir(), 'rampart-server-'));
  }

  async start(options: Partial<ControlPlaneOptions> = {}): Promise<ControlPlane> {
    const plane = await startControlPlane({
      dataDirectory: this.dataDirectory,
      ports: { api: 0, metrics: 0 },
      log: silentLog,
      ...options,
    });
    this.#running.push(plane);
    return plane;
  }

  /** Closes a client before the control planes stop. */
  keep<T extends { close(): void }>(client: T): T {
    this.#clients.push(client);
    return client;
  }

  closeClients(): void {
    for (const client of this.#clients.splice(0)) client.close();
  }

  async close(): Promise<void> {
    this.closeClients();
    await Promise.all(this.#running.splice(0).map((plane) => plane.stop()));
    await endProcesses();
    await rm(this.#root, { recursive: true, force: true });
  }
}

/** Longer than a busy machine keeps anything waiting. */
const PATIENCE_MS = 20_000;

/** Waits for a condition, looking again every few milliseconds. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs: number = PATIENCE_MS,
): Promise<void> {
  const clock = createSystemClock();
  const end = clock.now() + withinMs;
  while (!(await holds())) {
    if (clock.now() > end) {
      throw new Error(`waited ${withinMs} ms for: ${what}`);
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}
