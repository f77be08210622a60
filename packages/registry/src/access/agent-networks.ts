import {
  type AgentNetworks as Entry,
  inIpBlock,
  type IpBlock,
  parseIdentityPattern,
  parseIpAddress,
  parseIpBlock,
  type SpiffeId,
} from '@rampart/core';

const NONE: readonly IpBlock[] = Object.freeze([]);

/** Where the hosts of agents are whose connections come from other addresses, because those are translated on the way. */
export class AgentNetworks {
  readonly #entries: readonly { matches(agent: string): boolean; readonly blocks: readonly IpBlock[] }[];

  constructor(entries: readonly Entry[]) {
    this.#entries = entries.flatMap(({ agent, cidrs }) => {
      const pattern = parseIdentityPattern(agent);
      if (!pattern.ok || !('matches' in pattern.value)) return [];
      const { matches } = pattern.value;
      const blocks = cidrs.flatMap((cidr) => {
        const block = parseIpBlock(cidr);
        return block.ok ? [block.value] : [];
      });
      return [{ matches, blocks }];
    });
  }

  /** Empty for an agent that operators say nothing of. */
  of(agent: SpiffeId): readonly IpBlock[] {
    if (this.#entries.length === 0) return NONE;
    const id = agent.toString();
    return this.#entries.flatMap(({ matches, blocks }) => (matches(id) ? blocks : []));
  }
}

/** A name is in no network. */
export function isInNetworks(host: string, networks: readonly IpBlock[]): boolean {
  if (networks.length === 0) return false;
  const address = parseIpAddress(host);
  return address !== undefined && networks.some((block) => inIpBlock(block, address));
}
