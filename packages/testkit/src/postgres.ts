import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const HOMES = '/usr/lib/postgresql';
const PSQL = '/usr/bin/psql';

/** Why there can be no PostgreSQL here; "" where there can. */
export function postgresMissing(): string {
  if (programs() === undefined || !existsSync(PSQL)) return 'needs postgresql and its client psql';
  return process.getuid?.() === 0 && postgresUser() === undefined
    ? 'needs a user postgres: it does not run as root'
    : '';
}

/** A PostgreSQL server with an empty database, that lets everybody in who reaches it. */
export class Postgres {
  readonly port: number;
  readonly #server: ChildProcess;
  readonly #directory: string;

  private constructor(port: number, server: ChildProcess, directory: string) {
    this.port = port;
    this.#server = server;
    this.#directory = directory;
  }

  static async start(): Promise<Postgres> {
    const home = programs() ?? '';
    const user = postgresUser();
    const directory = mkdtempSync(join(tmpdir(), 'rampart-postgres-'));
    if (user !== undefined) chownSync(directory, user, user);
    const as = user === undefined ? {} : { uid: user };
    const data = join(directory, 'data');
    const options = ['-A', 'trust', '-U', 'shop', '--no-sync', '-D', data];
    execFileSync(join(home, 'initdb'), options, { ...as, cwd: directory, stdio: 'ignore', env: {} });
    const port = await freePort();
    const settings = ['-c', 'fsync=off', '-k', directory, '-h', '127.0.0.1', '-p', String(port), '-D', data];
    const server = spawn(join(home, 'postgres'), settings, {
      ...as,
      cwd: directory,
      env: {},
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    for await (const chunk of server.stderr) {
      said += String(chunk);
      if (said.includes('ready to accept connections')) break;
    }
    return new Postgres(port, server, directory);
  }

  async stop(): Promise<void> {
    const over = once(this.#server, 'exit');
    this.#server.kill('SIGQUIT');
    await over;
    rmSync(this.#directory, { recursive: true });
  }
}

function programs(): string | undefined {
  const [version] = existsSync(HOMES) ? readdirSync(HOMES).toSorted().toReversed() : [];
  const home = version === undefined ? '' : join(HOMES, version, 'bin');
  return existsSync(join(home, 'initdb')) ? home : undefined;
}

/** Undefined where there is none, and where this process is not root anyway. */
function postgresUser(): number | undefined {
  if (process.getuid?.() !== 0) return undefined;
  try {
    return Number(
      execFileSync('/usr/bin/id', ['-u', 'postgres'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    );
  } catch {
    return undefined;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
