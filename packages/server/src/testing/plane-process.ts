import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { ControlPlane } from '../control-plane.ts';

const SERVER = `
const [, dataDirectory] = process.argv;
const { startControlPlane } = await import(${JSON.stringify(new URL('../control-plane.ts', import.meta.url).href)});
const { createLogger } = await import(${JSON.stringify(new URL('../log.ts', import.meta.url).href)});
const log = createLogger({ level: 'error', destination: process.stderr, pretty: true });
const { stop, ...plane } = await startControlPlane({ dataDirectory, ports: { api: 0, metrics: 0 }, log });
console.log(JSON.stringify(plane));
`;

/** A control plane in a process of its own, which can be killed. */
export interface PlaneProcess {
  readonly child: ChildProcess;
  readonly plane: ControlPlane;
}

/** Resolves when it serves. */
export async function startProcess(dataDirectory: string): Promise<PlaneProcess> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', SERVER, dataDirectory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  assert.ok(child.stdout !== null);
  for await (const line of createInterface({ input: child.stdout })) {
    return { child, plane: JSON.parse(line) as ControlPlane };
  }
  throw new Error('the control plane did not start');
}

/** Resolves when a process that was killed is gone. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    await once(child, 'exit');
  }
}
