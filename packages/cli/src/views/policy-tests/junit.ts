import type { CaseResult, SuiteResult } from '@rampart/core/analysis';
import { failureLines } from './report.ts';

/** Results as JUnit XML, the form that CI systems read. Ends with a newline. */
export function renderJunit(results: readonly SuiteResult[]): string {
  const counts = countsOf(results.flatMap(({ cases }) => cases));
  const suites = results.map(
    ({ file, cases }) =>
      `  <testsuite name=${quoted(file)} ${countsOf(cases)}>\n${cases.map((one) => caseOf(one, file)).join('')}  </testsuite>\n`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${counts}>\n${suites.join('')}</testsuites>\n`;
}

function countsOf(cases: readonly CaseResult[]): string {
  const failed = cases.filter(({ failures }) => failures.length > 0).length;
  return `tests="${cases.length}" failures="${failed}" errors="0" skipped="0"`;
}

function caseOf({ test, failures }: CaseResult, file: string): string {
  const attributes = `name=${quoted(test.name)} classname=${quoted(file)} file=${quoted(file)} line="${test.line}"`;
  if (failures.length === 0) return `    <testcase ${attributes}/>\n`;
  const message = failures.map(({ differences }) => differences.join('; ')).join('; ');
  const text = failures.flatMap(failureLines).join('\n');
  return `    <testcase ${attributes}>\n      <failure type="verdict" message=${quoted(message)}>${escaped(text)}</failure>\n    </testcase>\n`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
/** Characters that no XML 1.0 document may hold. */
const FORBIDDEN = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

function escaped(text: string): string {
  return text.replace(FORBIDDEN, '\ufffd').replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}

function quoted(text: string): string {
  return `"${escaped(text).replace(/\s/g, ' ')}"`;
}
