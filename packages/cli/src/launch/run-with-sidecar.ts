import { RampartError } from '@rampart/core';
import type { Sidecar } from '@rampart/proxy';
import type { WorkloadOptions } from '../arguments/workload-options.ts';
import type { Invocation } from '../shell.ts';
import { runChild } from './child-process.ts';
import { launchSidecar, type SidecarOptions } from './sidecar-launch.ts';

/** Longer than most requests, shorter than what supervisors wait before they kill. */
const DRAIN_MS = 10_000;
const HAND_OVER_MS = 2_000;
const START_MS = 10_000;

/** Hosts that are called directly: what listens on the own machine is no business of the mesh. */
const DIRECT = 'localhost,127.0.0.1,::1';

/**
 * Runs a command beside a sidecar of its own, in this process: the sidecar is there before the command, and after it.
 * Resolves with the exit code of the command. @throws RampartError INVALID_JOIN_TOKEN and what `launchSidecar` throws.
 */
export async function runWithSidecar(
  words: readonly string[],
  options: SidecarOptions & WorkloadOptions,
  invocation: Invocation,
): Promise<number> {
  const sidecar = await launchSidecar(options, invocation);
  try {
    const readiness = await sidecar.whenReady(START_MS);
    if (readiness === 'refused')
      throw new RampartError('INVALID_JOIN_TOKEN', 'the control plane refuses this workload; nothing was started');
    if (readiness === 'late')
      invocation.note('no identity or no policy yet: connections are refused until they arrive');
    const { code } = await runChild({ words, environment: environmentOf(sidecar, invocation) }, invocation.io);
    return code;
  } finally {
    await sidecar.drain(DRAIN_MS);
    await sidecar.stop(HAND_OVER_MS);
  }
}

/** Programs of all languages know where their HTTP proxy is from these variables; lower case is what curl takes for http. */
function environmentOf({ proxyPort }: Sidecar, { io }: Invocation): Readonly<Record<string, string | undefined>> {
  const { RAMPART_JOIN_TOKEN: _, ...env } = io.env;
  const proxy = `http://127.0.0.1:${proxyPort}`;
  return { ...env, http_proxy: proxy, HTTP_PROXY: proxy, no_proxy: DIRECT, NO_PROXY: DIRECT, RAMPART_PROXY: proxy };
}
