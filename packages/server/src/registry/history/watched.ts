/** What a watch said of one instance: where it is now, or that it is gone from a service. */
export interface Told {
  readonly revision: number;
  readonly instanceId: string;
  readonly service: string;
  /** 0: gone. */
  readonly port: number;
}

/** One message of a watch; parts that belong together are one. */
export interface WatchMessage {
  readonly at: number;
  readonly revision: number;
  /** Everything that is there, in place of all that was told before. */
  readonly isReset: boolean;
  readonly told: readonly Told[];
}

/** One watch, from its beginning to its end. */
export interface WatchSession {
  readonly watcher: string;
  /** Which start of the control plane it was, from 0. */
  readonly run: number;
  /** All services unless given. */
  readonly service?: string;
  /** Where it went on; a beginning unless given. */
  readonly from?: number;
  /** Which start of the control plane had told `from`; -1 for a revision that nobody told. */
  readonly fromRun?: number;
  readonly openedAt: number;
  readonly endedAt: number;
  readonly messages: readonly WatchMessage[];
  /** `left`: by the watcher; `cut`: the control plane is gone; else the refusal. */
  readonly end: 'left' | 'cut' | 'compacted' | 'future';
}

/** What a watch has told by its last message: revisions after `from` up to `to`. */
export function spanOf(session: WatchSession): { readonly from: number; readonly to: number } | undefined {
  const [first] = session.messages;
  const last = session.messages.at(-1);
  if (first === undefined || last === undefined) return undefined;
  return { from: session.from ?? first.revision, to: last.revision };
}

/** What was told as news. */
export function newsOf({ messages }: WatchSession): readonly Told[] {
  return messages.flatMap(({ isReset, told }) => (isReset ? [] : told));
}

/** Whether a watch of everything came back to the same start of the control plane, and something had changed meanwhile. */
export function missedSomething({ service, from, fromRun, run, messages }: WatchSession): boolean {
  return service === undefined && from !== undefined && fromRun === run && (messages[0]?.told.length ?? 0) > 0;
}
