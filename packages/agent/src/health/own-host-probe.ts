import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { createProbe, type Probe, type ProbeIdentity, type ProbeLimits } from '@rampart/registry/health';

export interface OwnHostProbeOptions {
  /** Networks beside the addresses of this host, and whether programs may be run. */
  readonly limits: ProbeLimits;
  identity(): ProbeIdentity;
}

/**
 * Runs checks at addresses of this very host, whatever the control plane says: with the word of a control plane that somebody
 * took over, agents must not become scanners of networks, nor run programs that their operators did not let in.
 */
export function createOwnHostProbe({ limits, identity }: OwnHostProbeOptions): Probe {
  const run = createProbe(limits, identity);
  return async (instance, check, signal) => {
    if (check.kind.type === 'script') {
      if (limits.scripts) return run(instance, check, signal);
      return critical('this agent runs no scripts; it was not started with --script-checks');
    }
    const { host } = instance;
    if (isIP(host) !== 0 && (isOwnAddress(host) || limits.allows(host))) return run(instance, check, signal);
    return critical(`${host} is no address of the agent's host, and in no probe network of the agent`);
  };
}

function critical(output: string): { readonly status: 'critical'; readonly output: string } {
  return { status: 'critical', output };
}

function isOwnAddress(host: string): boolean {
  if (host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))) return true;
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === host));
}
