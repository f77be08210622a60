/** Something text goes to: standard output or standard error. */
export interface Screen {
  readonly isTerminal: boolean;
  /** Width in columns; asked for again at each use, because people resize terminals. */
  columns(): number;
  write(text: string): void;
}

/** The outside world as this program sees it; only `start.ts` builds one from the real thing. */
export interface World {
  /** Executable that runs the services: the very Node this program runs on. */
  readonly node: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether an earlier start has left its compiled modules. */
  readonly compiledBefore: boolean;
  readonly pid: number;
  readonly out: Screen;
  readonly err: Screen;
  /** Directory that relative paths are relative to. */
  readonly directory: string;
  /** Milliseconds since this process was started. */
  uptime(): number;
}
