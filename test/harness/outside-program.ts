import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { until } from '@rampart/testkit';

import { bareEnvironment } from './environment.ts';

export const HAPROXY = '/usr/sbin/haproxy';
export const NGINX = '/usr/sbin/nginx';
export const CURL = '/usr/bin/curl';
export const PYTHON: string = onPath('python3');

/** Where the shell would find it; its name where it would not. */
function onPath(name: string): string {
  const folders = (process.env['PATH'] ?? '').split(':');
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file)) ?? name;
}

/** Why a test with programs that nobody here wrote cannot run; false where it can. */
export function lacks(...programs: readonly string[]): string | false {
  const missing = programs.filter((program) => !existsSync(program));
  return missing.length === 0 ? false : `needs ${missing.join(', ')}`;
}

/** A port of the loopback that nobody has now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A server that nobody here wrote, in a folder of its own. */
export class OutsideProgram {
  readonly folder: string;
  readonly #process: ChildProcess;

  private constructor(folder: string, child: ChildProcess) {
    this.folder = folder;
    this.#process = child;
  }

  /** Waits until it listens on `port` of `host`. */
  static async start(
    command: (folder: string) => readonly string[],
    { port, host = '127.0.0.1' }: { readonly port: number; readonly host?: string },
  ): Promise<OutsideProgram> {
    const folder = mkdtempSync(join(tmpdir(), 'rampart-outside-'));
    const [file = '', ...args] = command(folder);
    const child = spawn(file, args, { cwd: folder, env: bareEnvironment(), stdio: ['ignore', 'ignore', 'pipe'] });
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    await until(`${file} to listen`, () => {
      if (child.exitCode !== null) throw new Error(`${file} ended: ${complaint}`);
      return listens(port, host);
    });
    return new OutsideProgram(folder, child);
  }

  /** One process that stays in the foreground. `http` is what stands in nginx's http block. */
  static nginx(http: string, port: number): Promise<OutsideProgram> {
    return OutsideProgram.start(
      (folder) => {
        const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
          (name) => `${name}_temp_path ${folder};`,
        );
        const lines = [
          'daemon off; master_process off; error_log stderr;',
          `pid ${folder}/nginx.pid;`,
          'events {}',
          `http { access_log off; ${paths.join(' ')}`,
          http,
          '}',
        ];
        writeFileSync(join(folder, 'nginx.conf'), lines.join('\n'));
        return [NGINX, '-p', folder, '-c', join(folder, 'nginx.conf')];
      },
      { port },
    );
  }

  /** `sections` are its listeners and backends; timeouts are set. */
  static haproxy(
    sections: readonly string[],
    place: { readonly port: number; readonly host?: string },
  ): Promise<OutsideProgram> {
    return OutsideProgram.start((folder) => {
      const timeouts = ['client', 'server', 'connect'].map((name) => `  timeout ${name} 5s`);
      writeFileSync(join(folder, 'haproxy.cfg'), ['defaults', ...timeouts, ...sections, ''].join('\n'));
      return [HAPROXY, '-f', join(folder, 'haproxy.cfg'), '-db'];
    }, place);
  }

  stop(): void {
    this.#process.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function listens(port: number, host: string): Promise<boolean> {
  const socket = connect({ port, host });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
