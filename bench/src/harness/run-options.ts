/** What every benchmark is told. */
export interface RunOptions {
  readonly quick: boolean;
  readonly environment: NodeJS.ProcessEnv;
  readonly progress: (line: string) => void;
}
