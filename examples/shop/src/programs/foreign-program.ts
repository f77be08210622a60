import type { World } from '../world.ts';

/** Where one program is started: which port it is to serve, and a folder that is its own. */
export interface Berth {
  readonly port: number;
  readonly folder: string;
}

/** What starts a service that is no Node program, once it was found on this machine. */
export interface FoundProgram {
  /** Makes ready what it reads, and gives its command line and what it wants in its environment. */
  prepare(berth: Berth): Promise<PreparedCommand>;
}

export interface PreparedCommand {
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** A program that the mesh cannot be loaded into: it gets a sidecar. */
export interface ForeignProgram {
  /** What this machine must have, for people: "python3". */
  readonly needs: string;
  /** Undefined where this machine has none that works. */
  find(world: World): Promise<FoundProgram | undefined>;
}
