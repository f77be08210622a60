import type { LocalInstance } from '@rampart/mesh';

/** What a worker, thread or process, tells the one that stands for its ports in the registry. */
export type FromWorker =
  | { readonly kind: 'open'; readonly instance: LocalInstance }
  | { readonly kind: 'close'; readonly instanceId: string }
  /** It has finished what it had begun. */
  | { readonly kind: 'left' };

export type ToWorker =
  /** The port is registered; the id may be that of another worker that serves it, too. */
  | { readonly kind: 'opened'; readonly instanceId: string; readonly registered: string }
  /** Others serve the port still: nothing changes in the registry. */
  | { readonly kind: 'closed'; readonly registered: string }
  /** The process is going away: finish what was begun. */
  | { readonly kind: 'leave' };

/** The worker's end of the way to whoever stands for its ports. */
export interface Parent {
  send(message: FromWorker): void;
  /** One listener. */
  receive(listener: (message: ToWorker) => void): void;
}
