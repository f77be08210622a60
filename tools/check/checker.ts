/** One thing that is wrong, with its place. */
export interface Finding {
  /** Relative to the root that was checked. */
  readonly file: string;
  /** From 1; 0 when the finding is about the whole file. */
  readonly line: number;
  readonly rule: string;
  readonly message: string;
}

export interface Report {
  /** How many files were really looked at: a checker that looked at none has failed, whatever else it says. */
  readonly files: number;
  readonly findings: readonly Finding[];
}

/**
 * A checker looks at a repository and says what is wrong with it. Its canary is a miniature repository under
 * `tools/canaries/<name>` that is wrong on purpose, with an `expected.json` naming the rules that must be found broken.
 */
export interface Checker {
  readonly name: string;
  readonly what: string;
  check(root: string): Promise<Report>;
}

/** Text as linters print it, so that terminals and editors can jump to the place. */
export function formatFinding(finding: Finding): string {
  const place = finding.line > 0 ? `${finding.file}:${finding.line}` : finding.file;
  return `  ${place}  ${finding.rule}  ${finding.message}`;
}
