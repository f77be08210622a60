import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { AgentCall } from '@rampart/authority';
import type { AgentService } from '@rampart/wire';
import type { AgentState } from '../../agents/agent-state.ts';
import { AgentSync } from '../../agents/agent-sync.ts';
import type { CheckIntake } from '../../agents/check-intake.ts';
import type { ListeningAgents } from '../../agents/listening-agents.ts';
import type { Metrics } from '../../metrics.ts';
import { agentOf, connectionOf } from '../caller.ts';
import type { CallerLimits, LimitedCaller } from '../limits/caller-limits.ts';
import { svidResponse } from './svid-response.ts';

export interface AgentServiceOptions {
  readonly metrics: Metrics;
  readonly limits: CallerLimits;
  readonly agents: ListeningAgents;
  readonly intake: CheckIntake;
}

/** What agents hand out to the workloads of their host, on behalf of the control plane. */
export function createAgentService(
  state: AgentState,
  { metrics, limits, agents: listening, intake }: AgentServiceOptions,
): ServiceImpl<typeof AgentService> {
  const { authority } = state;
  const { agents } = authority;
  metrics.gauge('rampart_agents', { help: 'Agents that listen now.', read: () => listening.size });
  const issued = metrics.counter('rampart_agent_svids_issued_total', 'SVIDs issued to agents, by kind.');
  return {
    async *sync(_, context) {
      const sync = new AgentSync(state, agentOf(context), connectionOf(context).remoteAddress);
      using _listening = listening.add(sync);
      yield* sync.updates(context.signal);
    },
    issueX509Svid: async ({ entryId, csr, previousSerial }, context) => {
      const call = callOf(context);
      limits.admit('x509', limitedCallerOf(call));
      const result = await agents.issueX509(call, { entryId, csr, previousSerial });
      if (!result.ok) {
        throw result.problem;
      }
      issued.add({ kind: 'x509' });
      return svidResponse(result.value, state.trust);
    },
    issueJwtSvid: async ({ entryId, audiences }, context) => {
      const call = callOf(context);
      limits.admit('jwt', limitedCallerOf(call));
      const result = await agents.issueJwt(call, { entryId, audiences });
      if (!result.ok) {
        throw result.problem;
      }
      issued.add({ kind: 'jwt' });
      const { token, spiffeId, issuedAt, expiresAt } = result.value;
      return {
        token,
        spiffeId: spiffeId.toString(),
        issuedAt: BigInt(issuedAt),
        expiresAt: BigInt(expiresAt),
      };
    },
    reportChecks: ({ reports }, context) => {
      const call = callOf(context);
      limits.admit('registration', limitedCallerOf(call));
      return { refusedInstanceIds: [...intake.take(call, reports)] };
    },
  };
}

function callOf(context: HandlerContext): AgentCall {
  const { id, serial } = agentOf(context);
  return { agent: id, serial, sourceIp: connectionOf(context).remoteAddress };
}

function limitedCallerOf({ agent, sourceIp }: AgentCall): LimitedCaller {
  return { remoteAddress: sourceIp, identity: agent.toString() };
}
