import type { Clock } from '@rampart/core';

/** For callers who are told to go elsewhere, or have just come because they do not know yet. */
export const PARTING_MS = 500;
/** For the other sides of links to say goodbye, too, which they do at once where they are not held up. */
export const GOODBYE_MS = 5000;
const LOOK_AGAIN_MS = 50;

/** What keeps a way in open. */
export interface Presences {
  readonly clock: Clock;
  /** Requests, connections and streams that are served. */
  serving(): number;
  /** Links that are open: their other sides may open streams until they have heard that they should not. */
  links(): number;
  /** When the last connection came, in milliseconds of the clock. */
  lastArrival(): number;
}

/** Resolves when nobody is served and nobody is to be expected any more, or after `milliseconds`. */
export function whenParted({ clock, serving, links, lastArrival }: Presences, milliseconds: number): Promise<void> {
  const since = clock.now();
  return new Promise((resolve) => {
    const look = (): void => {
      const now = clock.now();
      const isExpecting = now - lastArrival() < PARTING_MS || (links() > 0 && now - since < GOODBYE_MS);
      const isOver = serving() === 0 && !isExpecting;
      if (isOver || now - since >= milliseconds) resolve();
      else clock.after(LOOK_AGAIN_MS, look);
    };
    look();
  });
}
