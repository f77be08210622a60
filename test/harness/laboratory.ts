import type child from 'node:child_process';
import type events from 'node:events';
import type http from 'node:http';
import type http2 from 'node:http2';
import type https from 'node:https';
import type net from 'node:net';
import type stream from 'node:stream/promises';
import type tls from 'node:tls';

import type undici from 'undici';

import type { ControlPlaneProcess } from './control-plane.ts';
import { Workload } from './workload.ts';
import type { WorkloadOptions } from './workload.ts';

/** A WebSocket of the npm package `ws`, which has no types of its own. */
export interface WebSocketLike extends events.EventEmitter {
  readonly url: string;
  readonly protocol: string;
  send(data: string | Uint8Array): void;
  close(code?: number): void;
  terminate(): void;
}

interface WebSockets {
  readonly WebSocket: new (url: string, options?: object) => WebSocketLike;
  readonly WebSocketServer: new (options: { readonly server: http.Server }) => events.EventEmitter;
}

/** What a function that runs in another process is given; it sees nothing else of the file it is written in. */
export interface Tools {
  readonly child: typeof child;
  readonly events: typeof events;
  readonly http: typeof http;
  readonly http2: typeof http2;
  readonly https: typeof https;
  readonly net: typeof net;
  readonly stream: typeof stream;
  readonly tls: typeof tls;
  readonly undici: typeof undici;
  readonly ws: WebSockets;
  /** What earlier functions left in that process. */
  readonly kept: Record<string, unknown>;
}

/** An error as it looked in the other process. */
export interface RemoteFailure {
  readonly name?: string;
  readonly message: string;
  readonly code?: string;
  readonly cause?: RemoteFailure;
}

/** Thrown here for what was thrown there. */
class RemoteError extends Error {
  readonly code: string | undefined;
  readonly remote: RemoteFailure;

  constructor(remote: RemoteFailure) {
    super(remote.message);
    this.name = remote.name ?? 'Error';
    this.code = remote.code;
    this.remote = remote;
  }
}

interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: RemoteFailure;
}

/** A workload that does whatever a test writes down for it: the function travels as text and runs there. */
export class Laboratory {
  readonly workload: Workload;
  readonly #replies = new Map<number, (reply: Reply) => void>();
  #asked = 0;

  private constructor(workload: Workload) {
    this.workload = workload;
    workload.process.on('message', (reply) => {
      const { id } = reply as Reply;
      this.#replies.get(id)?.(reply as Reply);
      this.#replies.delete(id);
    });
    workload.process.once('exit', (code, signal) => {
      for (const [id, answer] of this.#replies)
        answer({ id, error: { message: `the process ended with ${String(code ?? signal)}` } });
      this.#replies.clear();
    });
  }

  static async start(plane: ControlPlaneProcess, options: Omit<WorkloadOptions, 'script'>): Promise<Laboratory> {
    return new Laboratory(await Workload.start(plane, { ...options, script: 'laboratory.mjs' }));
  }

  /** The same without a control plane's help: exactly this environment. */
  static async launch(env: Readonly<Record<string, string>>): Promise<Laboratory> {
    return new Laboratory(await Workload.launch({ script: 'laboratory.mjs', serviceAccount: '' }, env));
  }

  async run<T>(job: (tools: Tools) => Promise<T> | T): Promise<T>;
  async run<T, A>(job: (tools: Tools, argument: A) => Promise<T> | T, argument: A): Promise<T>;
  async run<T>(job: (tools: Tools, argument: never) => Promise<T> | T, argument?: unknown): Promise<T> {
    this.#asked += 1;
    const id = this.#asked;
    const { error, value } = await new Promise<Reply>((resolve) => {
      this.#replies.set(id, resolve);
      this.workload.process.send({ id, source: job.toString(), argument });
    });
    if (error !== undefined) throw new RemoteError(error);
    return value as T;
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    return this.workload.kill(signal);
  }
}
