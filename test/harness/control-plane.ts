import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { createClient } from '@connectrpc/connect';
import type { Client } from '@connectrpc/connect';
import { createConnectTransport, Http2SessionManager } from '@connectrpc/connect-node';
import type { AccessLogRecord, ConnectionRefusal } from '@rampart/core';
import { until } from '@rampart/testkit';
import { AdminService, RegistryService, RevocationService } from '@rampart/wire';
import { readingAhead } from '@rampart/wire/reading-ahead';

import { COMMAND } from './programs.ts';

export interface ControlPlaneOptions {
  /** As `rampart up --workload-ttl` takes it. */
  readonly workloadTtl?: string;
  readonly trustDomain?: string;
  /** Address it listens on. */
  readonly host?: string;
}

interface Announcement {
  readonly api: string;
  readonly caFile: string;
}

/** `rampart up` in a process of its own, on free ports and in a folder of its own; can be killed and started again. */
export class ControlPlaneProcess {
  readonly folder: string;
  readonly #options: ControlPlaneOptions;
  #process: ChildProcess | undefined;
  #session: Http2SessionManager | undefined;
  #announcement: Announcement = { api: '', caFile: '' };

  private constructor(folder: string, options: ControlPlaneOptions) {
    this.folder = folder;
    this.#options = options;
  }

  static async start(options: ControlPlaneOptions = {}): Promise<ControlPlaneProcess> {
    const plane = new ControlPlaneProcess(mkdtempSync(join(tmpdir(), 'rampart-test-')), options);
    await plane.up();
    return plane;
  }

  get address(): string {
    return this.#announcement.api;
  }

  get caFile(): string {
    return this.#announcement.caFile;
  }

  /** Starts it, on the port it had before if it ran before. */
  async up(): Promise<void> {
    const port = this.address === '' ? '0' : new URL(this.address).port;
    const { workloadTtl, trustDomain, host } = this.#options;
    const ttl = workloadTtl === undefined ? [] : ['--workload-ttl', workloadTtl];
    const domain = trustDomain === undefined ? [] : ['--trust-domain', trustDomain];
    const at = host === undefined ? [] : ['--host', host];
    const args = [
      'up',
      '--port',
      port,
      '--metrics-port',
      '0',
      '--data',
      this.folder,
      '--output',
      'json',
      ...ttl,
      ...domain,
      ...at,
    ];
    const child = spawn(process.execPath, [COMMAND, ...args], { cwd: this.folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    let text = '';
    const lines = createInterface({ input: child.stdout });
    const announced = new Promise<Announcement>((resolve, reject) => {
      lines.on('line', (line) => {
        text += line;
        const parsed = tryParse(text);
        if (parsed !== undefined) resolve(parsed);
      });
      child.once('exit', (code) => reject(new Error(`rampart up ended with ${String(code)}: ${complaint}`)));
    });
    this.#announcement = await announced;
    this.#process = child;
  }

  get admin(): Client<typeof AdminService> {
    return this.#client(AdminService);
  }

  get revocations(): Client<typeof RevocationService> {
    return this.#client(RevocationService);
  }

  get registry(): Client<typeof RegistryService> {
    return this.#client(RegistryService);
  }

  #client<S extends typeof AdminService | typeof RegistryService | typeof RevocationService>(service: S): Client<S> {
    const token = readFileSync(join(this.folder, 'admin.token'), 'utf8').trim();
    this.#session ??= readingAhead(
      new Http2SessionManager(this.address, {}, { ca: readFileSync(this.caFile), minVersion: 'TLSv1.3' }),
    );
    const transport = createConnectTransport({
      baseUrl: this.address,
      httpVersion: '2',
      sessionManager: this.#session,
      interceptors: [
        (next) => (request) => {
          request.header.set('authorization', `Bearer ${token}`);
          return next(request);
        },
      ],
    });
    return createClient(service, transport);
  }

  /** What services will be held to once they start. */
  async apply(document: string): Promise<void> {
    const { problems } = await this.admin.apply({ document, file: 'test.yaml', allowUnknownServices: true });
    const errors = problems.filter((problem) => problem.severity === 'error');
    if (errors.length > 0) throw new Error(errors.map((problem) => `${problem.field}: ${problem.message}`).join('\n'));
  }

  /** The environment that lets one process join as this workload. */
  async admission(workload: {
    namespace?: string;
    serviceAccount: string;
    service?: string;
    labels?: Readonly<Record<string, string>>;
  }): Promise<Record<string, string>> {
    const { namespace = 'default', serviceAccount, service = '' } = workload;
    const labels = { app: service === '' ? serviceAccount : service, ...workload.labels };
    const { token } = await this.admin.createJoinToken({ workload: { namespace, serviceAccount, service, labels } });
    return {
      RAMPART_CONTROL_PLANE: this.address,
      RAMPART_CA_FILE: this.caFile,
      RAMPART_JOIN_TOKEN: token,
      RAMPART_SPOOL_DIRECTORY: join(this.folder, 'spool'),
    };
  }

  /** Ports on which a service is registered. */
  async portsOf(service: string): Promise<number[]> {
    const { services } = await this.admin.listServices({});
    return services
      .filter((each) => each.name === service)
      .flatMap((each) => each.endpoints.map((endpoint) => endpoint.port));
  }

  async registered(service: string, port: number): Promise<void> {
    await until(`${service} to be registered on port ${port}`, async () =>
      (await this.portsOf(service)).includes(port),
    );
  }

  /** Every access-log record stored so far, oldest first. */
  async records(): Promise<AccessLogRecord[]> {
    const found: AccessLogRecord[] = [];
    for await (const { records } of this.admin.tailLogs({ history: 1_000_000, follow: false })) {
      for (const record of records) found.push(JSON.parse(record) as AccessLogRecord);
    }
    return found;
  }

  async refusals(): Promise<ConnectionRefusal[]> {
    const found: ConnectionRefusal[] = [];
    for await (const { connections } of this.admin.tailLogs({ history: 1_000_000, follow: false })) {
      for (const connection of connections) found.push(JSON.parse(connection) as ConnectionRefusal);
    }
    return found;
  }

  /** SIGKILL: nothing is said goodbye to. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGTERM; `up` starts it again. */
  async rest(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** Undefined while it does not run. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  async stop(): Promise<void> {
    await this.rest();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    this.#session?.abort();
    this.#session = undefined;
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }
}

function tryParse(text: string): Announcement | undefined {
  try {
    return JSON.parse(text) as Announcement;
  } catch {
    return undefined;
  }
}
