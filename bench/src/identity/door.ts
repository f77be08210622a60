import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Child } from '../harness/child.ts';
import type { Door } from './newcomers.ts';

const CONTROL_PLANE = fileURLToPath(new URL('door-process.ts', import.meta.url));
const CALLERS = fileURLToPath(new URL('callers-process.ts', import.meta.url));
/** What `rampart up` starts itself with; the callers as well, whose own collections nobody means to measure. */
const AS_SERVED = ['--max-semi-space-size=8'];

/** Milliseconds from a request for attestation to the SVID in the caller's hands, over TLS and HTTP to a control plane. */
export interface DoorFigures {
  /** With as many callers as can be. */
  readonly fullLoadPerSecond: number;
  readonly halfLoadP50Ms: number;
  readonly halfLoadP99Ms: number;
  /** Of that, how late the caller itself was: what is not the control plane's. */
  readonly callerLateP99Ms: number;
}

export async function measureDoor(requests: number, environment: NodeJS.ProcessEnv): Promise<DoorFigures> {
  const directory = mkdtempSync(join(tmpdir(), 'rampart-bench-door-'));
  const start = { script: CONTROL_PLANE, args: [directory], execArgv: AS_SERVED };
  const { child, hello } = await Child.start(start, environment);
  try {
    const args = [JSON.stringify(doorOf(hello)), String(requests)];
    const callers = await Child.start({ script: CALLERS, args, execArgv: AS_SERVED }, environment);
    await callers.child.stop();
    const figure = (name: keyof DoorFigures): number => Number(callers.hello[name]);
    return {
      fullLoadPerSecond: figure('fullLoadPerSecond'),
      halfLoadP50Ms: figure('halfLoadP50Ms'),
      halfLoadP99Ms: figure('halfLoadP99Ms'),
      callerLateP99Ms: figure('callerLateP99Ms'),
    };
  } finally {
    await child.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function doorOf(hello: Record<string, unknown>): Door {
  const [address, caFile, adminTokenFile] = [hello['address'], hello['caFile'], hello['adminTokenFile']].map(String);
  return { address: address ?? '', caFile: caFile ?? '', adminTokenFile: adminTokenFile ?? '' };
}
