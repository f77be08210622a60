import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import type { ControlPlane } from '../control-plane.ts';
import type { ControlPlaneOptions } from '../control-plane-options.ts';

// oxlint-disable-next-line no-restricted-properties -- the word of the test runner to what it runs
const bundles = process.env['TEST_BUNDLES'];
const SERVER = bundles === undefined ? new URL('../index.ts', import.meta.url) : pathToFileURL(`${bundles}/server.js`);
const PROGRAM = `
const [, dataDirectory, options] = process.argv;
const { createLogger, startControlPlane } = await import(${JSON.stringify(SERVER.href)});
const log = createLogger({ level: 'error', destination: process.stderr, pretty: true });
await new Promise((resolve) => process.stdin.once('data', resolve).once('end', () => process.exit()));
const ports = { api: 0, metrics: 0 };
const { stop, ...plane } = await startControlPlane({ dataDirectory, ports, log, ...JSON.parse(options) });
console.log(JSON.stringify(plane));
`;

const running = new Set<ChildProcess>();

/** A control plane in a process of its own, which can be killed. */
export interface PlaneProcess {
  readonly child: ChildProcess;
  readonly plane: ControlPlane;
}

/** Resolves when it serves. */
export async function startProcess(dataDirectory: string): Promise<PlaneProcess> {
  return prepareProcess(dataDirectory).start();
}

/** Options of a control plane that another process can be told. */
export type SpokenOptions = Pick<ControlPlaneOptions, 'consul' | 'dns'>;

/** A process that has read everything it needs, so that it serves soon after it is told to. */
export interface PreparedProcess {
  readonly child: ChildProcess;
  /** Resolves when it serves. */
  start(): Promise<PlaneProcess>;
}

export function prepareProcess(dataDirectory: string, options: SpokenOptions = {}): PreparedProcess {
  const words = ['--input-type=module', '-e', PROGRAM, dataDirectory, JSON.stringify(options)];
  const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return {
    child,
    start: async () => {
      child.stdin.write('start\n');
      for await (const line of createInterface({ input: child.stdout })) {
        return { child, plane: JSON.parse(line) as ControlPlane };
      }
      throw new Error('the control plane did not start');
    },
  };
}

/** Resolves when a process that was killed is gone. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    await once(child, 'exit');
  }
}

/** Kills what a test that failed has left of them. */
export async function endProcesses(): Promise<void> {
  for (const child of running) child.kill('SIGKILL');
  await Promise.all([...running].map(ended));
}
