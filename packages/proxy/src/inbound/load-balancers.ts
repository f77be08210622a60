import { inIpBlock, parseIpAddress, parseIpBlock, plainAddress, RampartError } from '@rampart/core';
import type { IpBlock } from '@rampart/core';

/** Load balancers in front whose word on whose connection it is counts: by the PROXY protocol, with which all of theirs begin. */
export class LoadBalancers {
  readonly #blocks: readonly IpBlock[];

  /** @throws RampartError INVALID_ARGUMENT where one of `blocks` is no IP address or CIDR block. */
  constructor(blocks: readonly string[]) {
    this.#blocks = blocks.map((text) => {
      const block = parseIpBlock(text);
      if (block.ok) return block.value;
      throw new RampartError('INVALID_ARGUMENT', `--proxy-protocol-from: ${block.problem}`);
    });
  }

  /** Whether a connection from this address is theirs. */
  include(address: string | undefined): boolean {
    if (this.#blocks.length === 0 || address === undefined) return false;
    const ip = parseIpAddress(plainAddress(address));
    return ip !== undefined && this.#blocks.some((block) => inIpBlock(block, ip));
  }
}
