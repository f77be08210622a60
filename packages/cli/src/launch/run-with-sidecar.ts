import { RampartError } from '@rampart/core';
import type { Sidecar } from '@rampart/proxy';
import type { WorkloadOptions } from '../arguments/workload-options.ts';
import type { Invocation } from '../shell.ts';
import { type ChildExit, runChild } from './child-process.ts';
import type { InstanceOptions } from './instance-options.ts';
import { keepRunning } from './keep-running.ts';
import { launchSidecar, leaveMesh, type SidecarOptions, START_MS } from './sidecar-launch.ts';

/** Half of what the most impatient supervisors wait before they kill. */
const BEFORE_END_MS = 5_000;
/** Hosts that are called directly: what listens on the own machine is no business of the mesh. */
const DIRECT = 'localhost,127.0.0.1,::1';

/**
 * Runs a command beside a sidecar of its own, in this process: the sidecar is there before the command, and after it.
 * A signal that is to end the command reaches it once nobody is sent there any more and what was under way is over. Resolves with the exit code of the command. @throws RampartError INVALID_JOIN_TOKEN and what `launchSidecar` throws.
 */
export async function runWithSidecar(
  words: readonly string[],
  options: SidecarOptions & WorkloadOptions & InstanceOptions & { readonly restart?: boolean },
  invocation: Invocation,
): Promise<number> {
  const sidecar = await launchSidecar(options, invocation);
  try {
    const readiness = await sidecar.whenReady(START_MS);
    if (readiness === 'refused')
      throw new RampartError(
        'INVALID_JOIN_TOKEN',
        'the control plane refuses this workload, and nothing was started; make a token with "rampart token create --service NAME" and try again',
      );
    if (readiness === 'late')
      invocation.note('no identity or no policy yet: connections are refused until they arrive');
    const environment = environmentOf(sidecar, invocation);
    const launch = (): Promise<ChildExit> =>
      runChild({ words, environment, beforeEnd: () => sidecar.drain(BEFORE_END_MS) }, invocation.io);
    if (options.restart === true) return await keepRunning(words[0] ?? '', launch, invocation);
    return (await launch()).code;
  } finally {
    await leaveMesh(sidecar);
  }
}

/** Programs of all languages know where their HTTP proxy is from these variables; lower case is what curl takes for http. */
function environmentOf({ proxyPort }: Sidecar, { io }: Invocation): Readonly<Record<string, string | undefined>> {
  const { RAMPART_JOIN_TOKEN: _, ...env } = io.env;
  const proxy = `http://127.0.0.1:${proxyPort}`;
  return { ...env, http_proxy: proxy, HTTP_PROXY: proxy, no_proxy: DIRECT, NO_PROXY: DIRECT, RAMPART_PROXY: proxy };
}
