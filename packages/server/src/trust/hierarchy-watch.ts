import type { Authority } from '@rampart/authority';
import type { Clock, Timer } from '@rampart/core';
import type { ListeningAgents } from '../agents/listening-agents.ts';
import type { ChangeFeed } from '../changes/change-feed.ts';
import type { DataPlanes } from '../control/data-planes.ts';

export interface HierarchyWatchOptions {
  readonly authority: Pick<Authority, 'hierarchy'>;
  readonly feed: ChangeFeed;
  readonly dataPlanes: DataPlanes;
  readonly agents: ListeningAgents;
  readonly clock: Clock;
  /** Has the control plane's own certificate replaced if one of these authorities signed it. */
  replaceOwn(authorities: readonly string[]): void;
  /** The roots that clients are given are others now. */
  bundleChanged(): void;
  /** Called with every tick: timers do not notice when the clock jumps. */
  ticked(): void;
}

/** SPIRE's tick (pkg/server/ca/rotator/rotator.go); also what finds a clock that has jumped. */
const TICK_MS = 10_000;

/** Lets authorities rotate by themselves, and tells data planes of it. Returns how to end it. */
export function watchHierarchy(options: HierarchyWatchOptions): () => void {
  const { feed, dataPlanes, agents, clock } = options;
  const { hierarchy } = options.authority;
  const unsubscribe = hierarchy.onChange(({ bundle, tainted }) => {
    if (bundle) {
      feed.publish([{ kind: 'bundle' }]);
      options.bundleChanged();
    }
    if (tainted.length > 0) {
      options.replaceOwn(tainted);
      dataPlanes.rotate(tainted);
      agents.rotate(tainted);
    }
  });
  let timer: Timer | undefined;
  let isOver = false;
  const plan = (): void => {
    if (!isOver) timer = clock.after(TICK_MS, tick);
  };
  const tick = (): void => {
    options.ticked();
    void hierarchy.tend().finally(plan);
  };
  plan();
  return () => {
    isOver = true;
    timer?.cancel();
    unsubscribe();
  };
}
