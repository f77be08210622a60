import { BlockList, isIP } from 'node:net';
import { fail, type IpBlock, ok, type Result, type SpiffeId } from '@rampart/core';
import type { Instance } from '../store.ts';
import { isInNetworks } from './agent-networks.ts';

/** An agent that is connected, as its door found it out to be. */
export interface SpeakingAgent {
  readonly id: SpiffeId;
  /** Address that its connection comes from: that of the host that it is the agent of, unless something stands in between. */
  readonly address: string;
  /** Where else its host is by the word of operators, because addresses are translated on the way. */
  readonly networks: readonly IpBlock[];
  /** Whether the agent hands out this identity, now. */
  handsOut(spiffeId: string): boolean;
}

/**
 * Evidence that an agent may say how one instance is. Only `CheckWarrant.judge` makes one, and whatever takes an agent's word
 * asks for it: an agent speaks for what is at the address of its own host and, where that is of the mesh, has an identity
 * that the agent hands out.
 */
export class CheckWarrant {
  readonly agent: string;
  readonly instanceId: string;

  private constructor(agent: string, instanceId: string) {
    this.agent = agent;
    this.instanceId = instanceId;
  }

  /** The problem is for the record, and never for the agent. */
  static judge(
    agent: SpeakingAgent,
    { instanceId, host, identity }: Pick<Instance, 'instanceId' | 'host' | 'identity'>,
  ): Result<CheckWarrant, string> {
    if (!isSameAddress(host, agent.address) && !isInNetworks(host, agent.networks))
      return fail('the instance is on another host');
    if (identity !== '' && !agent.handsOut(identity)) return fail('the agent does not hand out its identity');
    return ok(new CheckWarrant(agent.id.toString(), instanceId));
  }
}

/** However the addresses are written; a name is none. */
function isSameAddress(host: string, address: string): boolean {
  if (isIP(host) === 0 || isIP(address) === 0) return false;
  if (host === address) return true;
  const own = new BlockList();
  own.addAddress(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  return own.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4');
}
