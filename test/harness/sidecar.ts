import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

import type { ControlPlaneProcess } from './control-plane.ts';
import { bareEnvironment } from './environment.ts';
import { COMMAND } from './programs.ts';
import type { Place } from './two-hosts.ts';

export interface SidecarOptions {
  readonly serviceAccount: string;
  readonly namespace?: string;
  /** Empty for a pure client. */
  readonly service?: string;
  /** Besides `app`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Further options of `rampart sidecar`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Words in front of the command: the host that it runs on. */
  readonly place?: Place;
}

interface Announcement {
  readonly spiffeId: string;
  readonly meshPort?: number;
  readonly proxyPort: number;
  readonly socksPort?: number;
  readonly redirectPort?: number;
  readonly dnsPort?: number;
  readonly metricsPort?: number;
}

/** `rampart sidecar` in a process of its own. */
export class SidecarProcess {
  readonly process: ChildProcess;
  readonly announcement: Announcement;
  #stderr = '';

  private constructor(child: ChildProcess, announcement: Announcement) {
    this.process = child;
    this.announcement = announcement;
    child.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
  }

  /** What it has logged since it was ready. */
  get complaints(): string {
    return this.#stderr;
  }

  /** Starts it, and waits until it is ready and, where it serves, registered. */
  static async start(plane: ControlPlaneProcess, options: SidecarOptions): Promise<SidecarProcess> {
    const {
      serviceAccount,
      namespace = 'default',
      service = '',
      labels = {},
      args = [],
      place = [],
      env = {},
    } = options;
    const admission = await plane.admission({ namespace, serviceAccount, service, labels });
    const [file = '', ...words] = [...place, process.execPath, COMMAND, 'sidecar', '--output', 'json', ...args];
    const child = spawn(file, words, {
      env: { ...bareEnvironment(), ...env, ...admission },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [text, said] = ['', ''];
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const announcement = await new Promise<Announcement>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (!text.trimEnd().endsWith('}')) return;
        const announced = JSON.parse(text) as Announcement | { readonly error: object };
        // An error is told on standard output, too; what counts is the exit code that follows.
        if (!('error' in announced)) resolve(announced);
      });
      child.once('close', (code) => reject(new Error(`rampart sidecar ended with ${String(code)}: ${text}${said}`)));
    });
    const started = new SidecarProcess(child, announcement);
    try {
      if (announcement.meshPort !== undefined) await plane.registered(service, announcement.meshPort);
    } catch (error) {
      await started.stop('SIGKILL');
      throw new Error(`the sidecar of ${service} said ${started.complaints}`, { cause: error });
    }
    return started;
  }

  /** What Prometheus would read of it. */
  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.announcement.metricsPort ?? 0}/metrics`)).text();
  }

  /** Asks it to leave; resolves with its exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return this.process.exitCode;
    const exited = once(this.process, 'exit');
    this.process.kill(signal);
    const [code] = (await exited) as [number | null];
    return code;
  }
}
