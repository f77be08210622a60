import type { FollowRolloutResponse } from '@rampart/wire';
import type { Command } from 'commander';
import { parseDuration } from '../../arguments/duration.ts';
import { shortIdentity, trustDomainOf } from '../../render/names.ts';
import { Progress } from '../../render/progress.ts';
import { printable, truncate } from '../../render/text.ts';
import type { Invocation } from '../../shell.ts';

/** How long to wait for data planes: milliseconds, false for not at all, undefined for a short time. */
export type WaitOption = number | false | undefined;

/** How far a revision has come, and whether that is as far as was asked for. */
export interface Rollout {
  readonly revision: bigint;
  readonly taken: number;
  readonly dataPlanes: number;
  readonly lagging: FollowRolloutResponse['lagging'];
  /** False when a time was given and not all data planes have taken it by then. */
  readonly isDone: boolean;
}

const SHORT_WAIT_MS = 3000;
const ANSWER_SLACK_MS = 10_000;
const LONGEST_PROBLEM = 100;

/** The options of commands that change what is in force. */
export function addWaitOptions(command: Command): Command {
  return command
    .option(
      '--wait <duration>',
      `wait this long until every data plane has taken it, and exit 1 when one has not (default: ${SHORT_WAIT_MS / 1000}s, exit 0)`,
      parseDuration,
    )
    .option('--no-wait', 'do not wait for data planes');
}

/** Waits until every data plane enforces a revision, or the time is over, and says so meanwhile. */
export async function followRollout(revision: bigint, wait: WaitOption, invocation: Invocation): Promise<Rollout> {
  const timeoutMs = wait === false ? 0 : (wait ?? SHORT_WAIT_MS);
  const progress =
    invocation.globals.output === 'table' ? new Progress(invocation.io.stderr, invocation.io.clock) : undefined;
  let latest: Pick<FollowRolloutResponse, 'taken' | 'dataPlanes' | 'lagging'> = {
    taken: 0,
    dataPlanes: 0,
    lagging: [],
  };
  await invocation.withAdmin(async (client) => {
    const answers = client.followRollout({ revision, timeoutMs }, { timeoutMs: timeoutMs + ANSWER_SLACK_MS });
    for await (const answer of answers) {
      latest = answer;
      progress?.say(`revision ${revision}, taken by ${answer.taken} of ${answer.dataPlanes} data planes …`);
    }
  });
  progress?.end();
  const isDone = typeof wait !== 'number' || latest.taken === latest.dataPlanes;
  return { revision, taken: latest.taken, dataPlanes: latest.dataPlanes, lagging: latest.lagging, isDone };
}

/** The rollout as fields of an answer. */
export function rolloutData({ revision, taken, dataPlanes, lagging }: Rollout): object {
  return {
    revision: Number(revision),
    dataPlanes,
    taken,
    lagging: lagging.map(({ spiffeId, dataPlaneId, ackedRevision, problem }) => ({
      spiffeId,
      id: dataPlaneId,
      ackedRevision: Number(ackedRevision),
      problem,
    })),
  };
}

/** "revision 42, taken by 6 of 6 data planes", and a line for each that lags. */
export function noteRollout({ revision, taken, dataPlanes, lagging }: Rollout, { note }: Invocation): void {
  const planes = `data plane${dataPlanes === 1 ? '' : 's'}`;
  note(
    dataPlanes === 0
      ? `revision ${revision}, no data plane is connected`
      : `revision ${revision}, taken by ${taken} of ${dataPlanes} ${planes}`,
  );
  for (const { spiffeId, ackedRevision, problem } of lagging) {
    const why =
      problem === ''
        ? `still at revision ${ackedRevision}`
        : `denies everything: ${truncate(printable(problem), LONGEST_PROBLEM)}`;
    note(`  ${shortIdentity(spiffeId, trustDomainOf(spiffeId) ?? '')} ${why}`);
  }
  const unnamed = dataPlanes - taken - lagging.length;
  if (unnamed > 0) note(`  and ${unnamed} more`);
  if (taken < dataPlanes) note('"rampart get dataplanes" shows how far each has come');
}
