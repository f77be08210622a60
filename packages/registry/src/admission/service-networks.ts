import { inIpBlock, type IpBlock, parseIpAddress, parseIpBlock, type ServiceNetworks as Entry } from '@rampart/core';
import { type Covers, coversOf } from './service-identities.ts';

/** Where the instances of which service may be. */
export class ServiceNetworks {
  readonly #entries: readonly { readonly covers: Covers; readonly blocks: readonly IpBlock[] }[];

  constructor(entries: readonly Entry[]) {
    this.#entries = entries.map((entry) => ({ covers: coversOf(entry), blocks: blocksOf(entry.cidrs) }));
  }

  /**
   * Why an instance may not be at a host; undefined when it may. IPv4 addresses that are written as IPv6 ones (RFC 4291
   * §2.5.5.2) are what they carry. A host name can stand for any address tomorrow, so where networks are configured none will do.
   */
  objection(
    registered: { readonly service: string; readonly namespace: string },
    host: string,
  ): 'a host name' | 'outside of its networks' | undefined {
    const entries = this.#entries.filter(({ covers }) => covers(registered));
    if (entries.length === 0) return undefined;
    const address = parseIpAddress(host);
    if (address === undefined) return 'a host name';
    const isInside = entries.some(({ blocks }) => blocks.some((block) => inIpBlock(block, address)));
    return isInside ? undefined : 'outside of its networks';
  }
}

function blocksOf(cidrs: readonly string[]): IpBlock[] {
  return cidrs.flatMap((cidr) => {
    const block = parseIpBlock(cidr);
    return block.ok ? [block.value] : [];
  });
}
