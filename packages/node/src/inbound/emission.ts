import type { Server } from 'node:net';

/** An event that Node is about to give to a server's listeners, held back until the mesh has spoken. */
export interface Emission {
  readonly server: Server;
  /** As given to `emit`: the event first. */
  readonly args: readonly unknown[];
  /** As it was before the hook. */
  readonly emit: (...args: never[]) => unknown;
}

/** Lets it happen. True when somebody listened. */
export function proceed({ server, args, emit }: Emission): boolean {
  return Reflect.apply(emit, server, args) === true;
}
