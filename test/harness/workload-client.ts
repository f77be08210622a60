import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { until } from '@rampart/testkit';
import { bareEnvironment } from './environment.ts';

const SCRIPT = fileURLToPath(new URL('../services/workload-api/client.mjs', import.meta.url));

export interface WorkloadClientOptions {
  readonly socketPath: string;
  readonly uid?: number;
  readonly execPath?: string;
  /** Beside the script; the Workload API's unless given. */
  readonly proto?: string;
}

/** Bytes as they cross the IPC channel. */
export interface Octets {
  readonly base64: string;
}

export interface X509Answer {
  readonly svids: readonly {
    readonly spiffe_id: string;
    readonly x509_svid: Octets;
    readonly x509_svid_key: Octets;
    readonly bundle: Octets;
    readonly hint: string;
  }[];
  readonly crl: readonly Octets[];
  readonly federated_bundles: Readonly<Record<string, Octets>>;
}

export interface CallError {
  /** gRPC status. */
  readonly code: number;
  readonly message: string;
}

interface Told {
  readonly id: number;
  readonly data?: unknown;
  readonly error?: CallError;
  readonly end?: boolean;
}

export const SECURITY_HEADER: readonly (readonly [string, string])[] = [['workload.spiffe.io', 'true']];

export interface CallOptions {
  readonly service?: string;
  readonly request?: object;
  readonly metadata?: readonly (readonly [string, string])[];
}

/** A call under way, with all that came of it. */
export class RemoteCall<Answer> {
  readonly answers: Answer[] = [];
  error: CallError | undefined;
  ended = false;
  readonly #send: (message: object) => void;

  constructor(send: (message: object) => void) {
    this.#send = send;
  }

  take({ data, error, end }: Told): void {
    if (data !== undefined) this.answers.push(data as Answer);
    if (error !== undefined) this.error = error;
    if (end === true || error !== undefined) this.ended = true;
  }

  get last(): Answer | undefined {
    return this.answers.at(-1);
  }

  write(request: object): void {
    this.#send({ write: request });
  }

  cancel(): void {
    this.#send({ cancel: true });
  }

  /** Waits for an answer of which this is true; rejects when the call ends before. */
  async until(what: string, holds: (answer: Answer) => boolean): Promise<Answer> {
    return until(what, () => {
      const { last } = this;
      if (last !== undefined && holds(last)) return last;
      if (this.ended) throw new Error(`the call ended before ${what}: ${this.error?.message ?? 'in order'}`);
      return undefined;
    });
  }

  async failure(): Promise<CallError> {
    return until('the call to fail', () => this.error);
  }
}

/** A workload in a process of its own that calls the agent with a generic gRPC client. */
export class WorkloadClient {
  readonly child: ChildProcess;
  readonly #calls = new Map<number, RemoteCall<unknown>>();

  private constructor(child: ChildProcess) {
    this.child = child;
    child.on('message', (message) => {
      const told = message as Told;
      this.#calls.get(told.id)?.take(told);
    });
  }

  static async start({ socketPath, uid, execPath, proto }: WorkloadClientOptions): Promise<WorkloadClient> {
    const child = fork(SCRIPT, [socketPath, ...(proto === undefined ? [] : [proto])], {
      ...(uid === undefined ? {} : { uid, gid: uid }),
      execPath: execPath ?? process.execPath,
      env: bareEnvironment(),
    });
    await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => Promise.reject(new Error('the workload did not start'))),
    ]);
    return new WorkloadClient(child);
  }

  call<Answer>(method: string, options: CallOptions = {}): RemoteCall<Answer> {
    const { service = 'SpiffeWorkloadAPI', request = {}, metadata = SECURITY_HEADER } = options;
    const id = this.#calls.size + 1;
    const call = new RemoteCall<Answer>((message) => this.child.send({ id, ...message }));
    this.#calls.set(id, call);
    this.child.send({ id, service, method, request, metadata });
    return call;
  }

  x509(options: CallOptions = {}): RemoteCall<X509Answer> {
    return this.call('FetchX509SVID', options);
  }

  /** The one answer of a call that is no stream, or the first one of a stream. */
  async first<Answer>(method: string, request: object = {}): Promise<Answer> {
    const call = this.call<Answer>(method, { request });
    return call.until(`an answer of ${method}`, () => true);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}
