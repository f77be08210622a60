import type { ServiceImpl } from '@connectrpc/connect';
import { RampartError } from '@rampart/core';
import type { AgentService } from '@rampart/wire';
import { agentOf } from '../caller.ts';

/** What agents hand out on behalf of the control plane. */
export function createAgentService(): ServiceImpl<typeof AgentService> {
  const refuse = (): never => {
    throw new RampartError('UNSUPPORTED_FEATURE', 'this control plane serves no agents yet');
  };
  return {
    sync: (_, context) => {
      agentOf(context);
      return refuse();
    },
    issueX509Svid: (_, context) => {
      agentOf(context);
      return refuse();
    },
    issueJwtSvid: (_, context) => {
      agentOf(context);
      return refuse();
    },
  };
}
