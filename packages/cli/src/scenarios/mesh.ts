import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommandLine } from '../program.ts';
import { type CapturedIo, captureIo, type CaptureOptions } from './captured-io.ts';

/** What one command line printed and how it ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A mesh that `rampart up` started on free ports, in a folder of its own. */
export interface ScenarioMesh {
  /** Working directory of command lines; the data directory is its `.rampart`. */
  readonly folder: string;
  readonly up: CapturedIo;
  /** Runs a command line in the folder. */
  run(words: readonly string[], options?: Partial<CaptureOptions>): Promise<Outcome>;
  /** Ctrl-C: the exit code of `rampart up`, once it has drained and the folder is gone. */
  stop(): Promise<number>;
}

/** Makes a folder and starts a mesh in it with `rampart up`; `now` is the machine's clock. */
export async function startScenarioMesh(now: () => number): Promise<ScenarioMesh> {
  const folder = await mkdtemp(join(tmpdir(), 'rampart-cli-mesh-'));
  const up = captureIo({ workingDirectory: folder, now });
  const ended = runCommandLine(['up', '--port', '0', '--metrics-port', '0', '--log-level', 'silent'], up.io);
  const early = await Promise.race([up.printed(/Ctrl-C stops it/), ended]);
  if (early !== undefined) throw new Error(`rampart up ended with ${early}: ${up.stderr()}`);
  return {
    folder,
    up,
    run: (words, options) => runIn(words, { workingDirectory: folder, now, ...options }),
    stop: async () => {
      up.signal('SIGINT');
      const code = await ended;
      await rm(folder, { recursive: true });
      return code;
    },
  };
}

/** Runs one command line and keeps what it prints. */
export async function runIn(words: readonly string[], options: CaptureOptions): Promise<Outcome> {
  const captured = captureIo(options);
  const code = await runCommandLine(words, captured.io);
  return { code, stdout: captured.stdout(), stderr: captured.stderr() };
}
