import type { Reporter } from 'knip';
import type { Finding } from './checker.ts';

/** Tells, besides the issues, how many files knip has read: an empty run must not pass for a clean one. */
const report: Reporter = ({ issues, counters, cwd }) => {
  const findings: Finding[] = Object.values(issues)
    .flatMap((byFile) => Object.values(byFile))
    .flatMap((bySymbol) => Object.values(bySymbol))
    .map((issue) => ({
      file: issue.filePath.replace(`${cwd}/`, ''),
      line: issue.line ?? 0,
      rule: issue.type,
      message: `${issue.symbol} ${meaning[issue.type] ?? 'is unused'}`,
    }));
  process.stdout.write(`${JSON.stringify({ processed: counters.processed, findings })}\n`);
};

const meaning: Readonly<Record<string, string>> = {
  files: 'is reached from no entry point',
  dependencies: 'is a dependency that nothing imports',
  devDependencies: 'is a dev dependency that nothing uses',
  unlisted: 'is imported and in no manifest',
  binaries: 'is a program that no dependency brings',
  unresolved: 'cannot be resolved',
  exports: 'is exported and imported nowhere',
  types: 'is an exported type that is used nowhere',
  duplicates: 'is exported twice',
};

// oxlint-disable-next-line import/no-default-export -- knip loads a reporter by its default export
export default report;
