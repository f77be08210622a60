import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { fail, ok, type Result } from '@rampart/core';
import type { CheckedInstance } from '../checked-instance.ts';
import { FewAtOnce } from './few-at-once.ts';
import type { ProbeLimits } from '../probe-target.ts';

/** Where no check goes, whoever asks: what answers there tells secrets to everybody on the host. */
const FORBIDDEN = new BlockList();
for (const [address, prefix] of [
  ['0.0.0.0', 8],
  // Link-local: AWS, Azure, Google and others keep instance metadata and credentials behind 169.254.169.254.
  ['169.254.0.0', 16],
  ['224.0.0.0', 3],
  // Metadata of Alibaba, Oracle and the wire server of Azure.
  ['100.100.100.200', 32],
  ['192.0.0.192', 32],
  ['168.63.129.16', 32],
] as const)
  FORBIDDEN.addSubnet(address, prefix, 'ipv4');
for (const [address, prefix] of [
  ['::', 128],
  ['fe80::', 10],
  ['ff00::', 8],
  // Metadata of AWS and of Google.
  ['fd00:ec2::254', 128],
  ['fd20:ce::254', 128],
  // The same IPv4 addresses by way of a translator (RFC 6052) or of 6to4 (RFC 3056).
  ['64:ff9b::a9fe:0', 112],
  ['64:ff9b::6464:64c8', 128],
  ['64:ff9b::c000:c0', 128],
  ['64:ff9b::a83f:8110', 128],
  ['2002:a9fe::', 32],
] as const)
  FORBIDDEN.addSubnet(address, prefix, 'ipv6');

export function isForbidden(address: string): boolean {
  // Also judges IPv4 addresses that are written as IPv6 ones.
  return FORBIDDEN.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/**
 * The one address that a run of a check may go to. A name is resolved once and the check goes to what was judged, so that
 * a second answer of DNS changes nothing.
 */
export async function probeAddress(
  { host, owner }: Pick<CheckedInstance, 'host' | 'owner'>,
  limits: ProbeLimits,
  signal: AbortSignal,
): Promise<Result<string, string>> {
  // An address was judged when it was registered.
  const found = isIP(host) === 0 ? await resolved(host, signal) : host;
  if (found === undefined) return fail(`the name ${host} cannot be resolved`);
  if (isForbidden(found)) return fail(`checks do not go to ${found}`);
  const isOpen = isIP(host) !== 0 || owner.startsWith('operator:') || limits.allows(found);
  return isOpen ? ok(found) : fail(`${host} is ${found}, which is in no probe network of the control plane`);
}

/** The system's resolver takes a thread of four that files and keys need, too, for as long as a name server says nothing. */
const LOOKUPS = new FewAtOnce(2);

async function resolved(host: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return await LOOKUPS.run(async () => (await lookup(host)).address, signal);
  } catch {
    return undefined;
  }
}
