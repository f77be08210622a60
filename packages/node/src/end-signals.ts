/** What ends a process in order. */
const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
export type EndSignal = (typeof SIGNALS)[number];

export interface EndSignalWatch {
  /**
   * Called with the first of each signal, before the application hears of it; `isHandled` where the application listens. It then
   * hears of the signal when this is done, which must not fail.
   */
  readonly first: (signal: EndSignal, isHandled: boolean) => Promise<void> | undefined;
}

type Emit = (event: string | symbol, ...args: unknown[]) => boolean;

/**
 * Hears of signals before the application does, whose handlers may end the process there and then. Node calls `process.emit` for
 * each; what was begun to be listened to before this was, it calls its own.
 */
export function watchEndSignals(host: NodeJS.Process, { first }: EndSignalWatch): void {
  const emit = host.emit.bind(host) as Emit;
  /** Ours, which keep a signal from ending the process at once; none once it came. */
  const own = new Map<string | symbol, () => void>();
  const held = new Map<string | symbol, () => void>();

  const came = (signal: EndSignal): Promise<void> | undefined => {
    host.removeListener(signal, own.get(signal) ?? (() => undefined));
    own.delete(signal);
    return first(signal, host.listenerCount(signal) > 0);
  };
  const hooked: Emit = (event, ...args) => {
    held.get(event)?.();
    const signal = SIGNALS.find((each) => each === event);
    const ready = signal !== undefined && own.has(signal) ? came(signal) : undefined;
    if (signal === undefined || ready === undefined) return emit(event, ...args);
    const release = (): void => {
      if (!held.delete(signal)) return;
      // Whoever listened and does so no more has left the end to the system.
      if (host.listenerCount(signal) > 0) emit(signal, ...args);
      else host.kill(host.pid, signal);
    };
    held.set(signal, release);
    void ready.then(release);
    return true;
  };
  Object.assign(host, { emit: hooked });
  for (const signal of SIGNALS) {
    const listener = (): void => void came(signal);
    own.set(signal, listener);
    host.prependListener(signal, listener);
  }
}
