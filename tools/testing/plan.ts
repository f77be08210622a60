/** A file of tests, as it is planned. */
export interface PlannedFile {
  /** Relative to the repository. */
  readonly path: string;
  /** How long it took when that was recorded; a guess where it never was. */
  readonly seconds: number;
  /** Whether other files may be run in the same process. */
  readonly shares: boolean;
}

/** Files that are run in one process, one after the other. */
export interface Run {
  readonly files: readonly string[];
  readonly seconds: number;
}

/** A file that takes longer gains nothing from company. */
const longSeconds = 5;
/** Failures are easier to read, and processors are easier to fill, when not everything is in one process. */
const mostSeconds = 10;
const mostFiles = 20;

/**
 * Puts files that may share a process together, by package because they load the same sources. What takes longest is first,
 * so that nothing is left running alone at the end.
 */
export function planRuns(files: readonly PlannedFile[]): Run[] {
  const alone = files.filter((file) => !isSmall(file)).map(({ path, seconds }): Run => ({ files: [path], seconds }));
  const together = [...Map.groupBy(files.filter(isSmall), ({ path }) => packageOf(path)).values()].flatMap(batches);
  return [...alone, ...together].toSorted((a, b) => b.seconds - a.seconds);
}

function isSmall({ seconds, shares }: PlannedFile): boolean {
  return shares && seconds < longSeconds;
}

function packageOf(path: string): string {
  return path.split('/').slice(0, 2).join('/');
}

function batches(files: readonly PlannedFile[]): Run[] {
  const runs: { files: string[]; seconds: number }[] = [];
  for (const { path, seconds } of files) {
    const open = runs.at(-1);
    if (open === undefined || open.files.length === mostFiles || open.seconds + seconds > mostSeconds) {
      runs.push({ files: [path], seconds });
    } else {
      open.files.push(path);
      open.seconds += seconds;
    }
  }
  return runs;
}
