import type { AgentCall, Agents } from '@rampart/authority';
import { BoundedCache, type Clock, RampartError } from '@rampart/core';
import type { Journal } from '@rampart/journal';
import type { AgentNetworks, CheckStatus, Registry, SpeakingAgent } from '@rampart/registry';
import type { HostCheckReport } from '@rampart/wire';

export interface CheckIntakeOptions {
  readonly registry: Pick<Registry, 'reportFromHost'>;
  readonly journal: Pick<Journal, 'audit'>;
  readonly agents: Pick<Agents, 'entriesOf'>;
  /** What operators say of where hosts are, now. */
  networks(): AgentNetworks;
  readonly clock: Clock;
  failed(error: unknown): void;
}

const MOST_REPORTS = 1000;
const STATUSES: readonly CheckStatus[] = ['passing', 'warning', 'critical'];
/** Whoever goes on and on is put on record no more often than this. */
const RECORDED_EVERY_MS = 10_000;
const MOST_RECORDED = 1000;

/** An instance that an agent does not speak for, and why. */
interface Foreign {
  readonly instanceId: string;
  readonly reason: string;
}

/** Takes in what agents say of the checks of their hosts. What an agent does not speak for is refused, on record, and changes nothing. */
export class CheckIntake {
  readonly #options: CheckIntakeOptions;
  /** When a refusal was recorded, by agent. */
  readonly #recorded = new BoundedCache<string, number>(MOST_RECORDED);

  constructor(options: CheckIntakeOptions) {
    this.#options = options;
  }

  /** Gives the instances that were refused. @throws RampartError INVALID_ARGUMENT: nothing was taken. */
  take(call: AgentCall, reports: readonly HostCheckReport[]): ReadonlySet<string> {
    if (reports.length > MOST_REPORTS)
      throw new RampartError('INVALID_ARGUMENT', `at most ${MOST_REPORTS} checks are reported at once`);
    const statuses = reports.map(({ status }) => statusOf(status));
    const agent = this.#speakerOf(call);
    const refused = new Set<string>();
    let foreign: Foreign | undefined;
    for (const [index, { instanceId, checkId, output }] of reports.entries()) {
      const said = { instanceId, checkId, status: statuses[index] ?? 'critical' };
      const taken = this.#options.registry.reportFromHost(agent, output === undefined ? said : { ...said, output });
      if (taken.ok) continue;
      refused.add(instanceId);
      // What is not there may have been there when the agent began.
      if (taken.problem.isThere) foreign ??= { instanceId, reason: taken.problem.reason };
    }
    if (foreign !== undefined) this.#record(call, foreign);
    return refused;
  }

  #speakerOf({ agent: id, sourceIp: address }: AgentCall): SpeakingAgent {
    let identities: ReadonlySet<string> | undefined;
    return {
      id,
      address,
      networks: this.#options.networks().of(id),
      handsOut: (spiffeId) => {
        identities ??= new Set(this.#options.agents.entriesOf(id).map(({ spec }) => spec.spiffeId));
        return identities.has(spiffeId);
      },
    };
  }

  #record({ agent, sourceIp }: AgentCall, { instanceId, reason }: Foreign): void {
    const { clock, journal, failed } = this.#options;
    const key = agent.toString();
    const now = clock.now();
    if (now - (this.#recorded.get(key) ?? Number.NEGATIVE_INFINITY) < RECORDED_EVERY_MS) return;
    this.#recorded.set(key, now);
    const event = { eventType: 'CHECK_REPORT_DENIED', identity: agent.toString(), sourceIp, instanceId } as const;
    journal.audit({ ...event, result: 'DENIED', details: { reason } }).catch(failed);
  }
}

function statusOf(text: string): CheckStatus {
  const status = STATUSES.find((known) => known === text);
  if (status !== undefined) return status;
  throw new RampartError(
    'INVALID_ARGUMENT',
    `a status is ${STATUSES.join(', ')}, not ${JSON.stringify(text.slice(0, 32))}`,
  );
}
