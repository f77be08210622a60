import { createServer } from 'node:net';
import type { CommandBlock } from './blocks.ts';

/** What `rampart up` listens on when it is told nothing. */
const portsOfUp = [8443, 9090];

/** The ports of this machine that the commands of a document are written for. */
export function portsOf(blocks: readonly CommandBlock[]): number[] {
  const texts = blocks
    .filter(({ illustration }) => illustration === undefined)
    .flatMap(({ commands }) => commands.map(({ text }) => text));
  const named = texts.flatMap((text) =>
    [
      ...text.matchAll(
        /127\.0\.0\.1:(?<port>\d{2,5})\b|\bPORT=(?<own>\d{2,5})\b|--[a-z-]*port[ =](?<option>\d{2,5})\b/g,
      ),
    ].map(({ groups }) => Number(groups?.['port'] ?? groups?.['own'] ?? groups?.['option'])),
  );
  const startsMesh = texts.some((text) => /\brampart up\b(?!.*--port)/.test(text));
  return [...new Set([...named, ...(startsMesh ? portsOfUp : [])])];
}

/** Those of the ports that something else listens on. */
export async function busyPorts(ports: readonly number[]): Promise<number[]> {
  const free = await Promise.all(ports.map(isFree));
  return ports.filter((_, index) => free[index] !== true);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
