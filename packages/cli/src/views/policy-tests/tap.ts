import type { CaseResult, SuiteResult } from '@rampart/core/analysis';
import { renderYaml } from '../../render/yaml.ts';
import { printable } from '../../render/text.ts';
import { failureLines } from './report.ts';

/** Results in the Test Anything Protocol, version 14. Ends with a newline. */
export function renderTap(results: readonly SuiteResult[]): string {
  const all = results.flatMap(({ file, cases }) => cases.map((one) => ({ file, one })));
  const lines = all.map(({ file, one }, index) => pointOf(one, file, index + 1));
  return `TAP version 14\n1..${all.length}\n${lines.join('')}`;
}

function pointOf({ test, failures }: CaseResult, file: string, number: number): string {
  // "#" would begin a directive such as SKIP.
  const name = printable(`${file}: ${test.name}`).replaceAll('\\', '\\\\').replaceAll('#', '\\#');
  if (failures.length === 0) return `ok ${number} - ${name}\n`;
  const diagnostics = {
    at: `${file}:${test.line}:${test.column}`,
    expected: test.expected.decision,
    failures: failures.map((failure) => failureLines(failure).map((line) => line.trim())),
  };
  const block = renderYaml(diagnostics).trimEnd().split('\n');
  return `not ok ${number} - ${name}\n  ---\n${block.map((line) => `  ${line}\n`).join('')}  ...\n`;
}
