// `npm start`: the whole shop in a mesh. The only file here that touches the process it runs in.
import { existsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { COMPILE_CACHE } from './process/compile-cache.ts';
import type { Screen, World } from './world.ts';

const compiledBefore = existsSync(COMPILE_CACHE);
enableCompileCache(COMPILE_CACHE);
// Loaded after the cache is on, so that they come out of it.
const { runShop } = await import('./run.ts');

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());

const world: World = {
  node: process.execPath,
  // oxlint-disable-next-line no-restricted-properties -- this is the entry file, which hands the environment on
  environment: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE },
  compiledBefore,
  pid: process.pid,
  out: screenOf(process.stdout),
  err: screenOf(process.stderr),
  directory: process.cwd(),
  uptime: () => process.uptime() * 1000,
};
process.exitCode = await runShop(process.argv.slice(2), world, stop.signal);

function screenOf(stream: NodeJS.WriteStream): Screen {
  return {
    isTerminal: stream.isTTY,
    columns: () => stream.columns ?? 80,
    write: (text) => stream.write(text),
  };
}
