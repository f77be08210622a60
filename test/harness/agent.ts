import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { until } from '@rampart/testkit';

import { bareEnvironment } from './environment.ts';
import type { ControlPlaneProcess } from './control-plane.ts';
import { COMMAND } from './programs.ts';

/** `rampart agent` in a process of its own, on a socket in a folder of its own. */
export class AgentProcess {
  readonly folder: string;
  readonly child: ChildProcess;
  #said = '';
  #complaint = '';

  private constructor(folder: string, child: ChildProcess) {
    this.folder = folder;
    this.child = child;
    child.stdout?.on('data', (chunk: Buffer) => (this.#said += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.#complaint += chunk.toString()));
  }

  /** Resolves once the agent has an identity. */
  static async start(plane: ControlPlaneProcess, name = 'host-1'): Promise<AgentProcess> {
    const { token } = await plane.admin.createJoinToken({ agent: name });
    const agent = AgentProcess.launch({
      RAMPART_CONTROL_PLANE: plane.address,
      RAMPART_CA_FILE: plane.caFile,
      RAMPART_JOIN_TOKEN: token,
    });
    await agent.ready();
    return agent;
  }

  /** Resolves at once. */
  static launch(env: Readonly<Record<string, string>>, folder: string = socketFolder()): AgentProcess {
    const child = spawn(process.execPath, [COMMAND, 'agent', '--socket', join(folder, 'agent.sock')], {
      env: { ...bareEnvironment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new AgentProcess(folder, child);
  }

  get socketPath(): string {
    return join(this.folder, 'agent.sock');
  }

  /** Resolves once it serves; rejects when it ends before. */
  async ready(): Promise<void> {
    await until('the agent to serve', () => this.said.includes('SPIFFE_ENDPOINT_SOCKET') || this.#ended());
    if (this.#ended()) throw new Error(`rampart agent ended: ${this.complaint}`);
  }

  get said(): string {
    return this.#said;
  }

  /** What it wrote to standard error. */
  get complaint(): string {
    return this.#complaint;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (!this.#ended()) {
      const gone = once(this.child, 'exit');
      this.child.kill(signal);
      await gone;
    }
    return this.child.exitCode;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }
}

/** Others may look into it, and not write. */
function socketFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rampart-agent-'));
  chmodSync(folder, 0o755);
  return folder;
}

/** A registration entry in the root namespace, as JSON. */
export function registration(name: string, spec: object): string {
  return JSON.stringify({
    apiVersion: 'rampart.dev/v1',
    kind: 'RegistrationEntry',
    metadata: { name, namespace: 'istio-system' },
    spec,
  });
}
