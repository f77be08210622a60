import { BlockList, isIP } from 'node:net';
import { RampartError } from '@rampart/core';
import type { RegistryIdentity } from '../admission/identity.ts';
import type { RegistrationRequest } from '../registration/registration.ts';

/** Where the server may run checks, beside the address that a registration comes from. */
export interface ProbeLimits {
  /** Whether the address is in one of the networks that the server was told of. */
  allows(address: string): boolean;
  /** Whether there is any such network. */
  readonly isOpen: boolean;
  /** Whether checks may be programs that the server starts. */
  readonly scripts: boolean;
}

export const NO_PROBES_ELSEWHERE: ProbeLimits = { allows: () => false, isOpen: false, scripts: false };

/**
 * What the server would have to knock on for a stranger: why a registration with checks is refused, if it is. Whoever
 * registers could otherwise use the control plane to look into networks that it cannot reach itself. Operators may.
 */
export function probeProblem(
  who: RegistryIdentity,
  { host, checks = [], sourceIp }: RegistrationRequest,
  limits: ProbeLimits,
): string | undefined {
  // An agent runs what it runs on its own host, and nowhere else.
  const run = checks.filter(({ kind, runBy }) => kind.type !== 'ttl' && runBy === undefined);
  const scripts = checks.filter(({ kind }) => kind.type === 'script');
  if (scripts.some(({ runBy }) => runBy === undefined) && !limits.scripts)
    return 'checks must not be scripts: the control plane was not started with scripts allowed';
  if (scripts.length > 0 && who.kind !== 'operator')
    return 'checks must not be scripts, unless an operator registers them';
  if (run.length === 0 || who.kind === 'operator' || (isIP(host) !== 0 && (host === sourceIp || limits.allows(host)))) {
    return undefined;
  }
  // A name is resolved when a check is run, and held against the networks then.
  if (isIP(host) === 0 && limits.isOpen) return undefined;
  return `checks are run at the address that a registration comes from (${sourceIp ?? 'unknown'}), not at ${host}; report a TTL check, or have the control plane started with a probe network`;
}

/** Networks as text: "10.0.0.0/8", "fd00::/8". Throws `RampartError` INVALID_ARGUMENT for what is none. */
export function probeLimits(networks: readonly string[], scripts: boolean): ProbeLimits {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix = ''] = network.split('/', 2);
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    const most = family === 'ipv6' ? 128 : 32;
    if (isIP(address) === 0 || !/^\d{1,3}$/.test(prefix) || Number(prefix) > most)
      throw new RampartError('INVALID_ARGUMENT', `${network} is no network; write it as 10.0.0.0/8`);
    list.addSubnet(address, Number(prefix), family);
  }
  return {
    scripts,
    isOpen: networks.length > 0,
    allows: (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4'),
  };
}
