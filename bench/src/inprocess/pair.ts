import { fileURLToPath } from 'node:url';

import { Child } from '../harness/child.ts';
import type { Ground, Running, Subject } from './subject.ts';

const APP = fileURLToPath(new URL('app.mjs', import.meta.url));
const CLIENT = fileURLToPath(new URL('client.mjs', import.meta.url));

export interface PairOptions {
  readonly mode: 'http' | 'https';
  readonly execArgv?: readonly string[];
  readonly serverEnv?: Readonly<Record<string, string>>;
  readonly clientEnv?: Readonly<Record<string, string>>;
}

export interface Pair {
  readonly server: Child;
  readonly client: Child;
  readonly port: number;
}

export async function startPair(ground: Ground, options: PairOptions): Promise<Pair> {
  const server = await startServer(ground, options);
  const client = await startClient(ground, options);
  return { server: server.child, client, port: server.port };
}

export async function startServer(ground: Ground, options: PairOptions): Promise<{ child: Child; port: number }> {
  const { child, hello } = await Child.start(
    {
      script: APP,
      args: [options.mode, ground.directory],
      execArgv: ['--expose-gc', ...(ground.serverFlags ?? []), ...(options.execArgv ?? [])],
      env: { ...options.serverEnv },
    },
    ground.environment,
  );
  return { child, port: Number(hello['port']) };
}

export async function startClient(ground: Ground, options: PairOptions): Promise<Child> {
  const args = [options.mode, ground.directory];
  const spec = { script: CLIENT, args, execArgv: options.execArgv ?? [], env: { ...options.clientEnv } };
  return (await Child.start(spec, ground.environment)).child;
}

function direct(name: string, mode: 'http' | 'https'): Subject {
  return {
    name,
    start: async (ground): Promise<Running> => {
      const { server, client, port } = await startPair(ground, { mode });
      return {
        url: `${mode}://localhost:${port}`,
        server,
        client,
        pids: [server.pid, client.pid],
        stop: async () => {
          await Promise.all([client.stop(), server.stop()]);
        },
      };
    },
  };
}

/** No mesh at all. */
export const plaintext: Subject = direct('plaintext', 'http');
/** `https` with client certificates, written by hand in both processes: the practical limit. */
export const handwritten: Subject = direct('handwritten-mtls', 'https');
