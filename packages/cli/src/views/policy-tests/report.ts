import type { CaseFailure, CaseResult, SuiteResult } from '@rampart/core/analysis';
import type { Palette } from '../../render/colour.ts';
import { shortIdentity } from '../../render/names.ts';
import { printable } from '../../render/text.ts';

/** Every test on a line, what went wrong below it, and how many there were. Ends with a newline. */
export function renderTestResults(results: readonly SuiteResult[], palette: Palette): string {
  const suites = results.map((result) => {
    const lines = result.cases.flatMap((one) => caseLines(one, result.file, palette));
    return `${palette.bold(printable(result.file))}\n${lines.join('\n')}\n${untested(result, palette)}\n`;
  });
  const cases = results.flatMap((result) => result.cases);
  const failed = cases.filter(({ failures }) => failures.length > 0).length;
  const counts = `${cases.length - failed} passed, ${failed} failed`;
  return `${suites.join('')}${failed === 0 ? palette.good(counts) : palette.bad(counts)}\n`;
}

function caseLines({ test, failures }: CaseResult, file: string, palette: Palette): readonly string[] {
  const many = test.questions.length === 1 ? '' : palette.dim(` (${test.questions.length} requests)`);
  if (failures.length === 0) return [`  ${palette.good('ok')}    ${printable(test.name)}${many}`];
  const place = palette.dim(`${printable(file)}:${test.line}:${test.column}`);
  return [
    `  ${palette.bad('FAIL')}  ${printable(test.name)}${many}  ${place}`,
    ...failures.flatMap((failure) => failureLines(failure).map((line) => `        ${printable(line)}`)),
  ];
}

/** What was asked, what it should have been, and who decided why. */
export function failureLines(failure: CaseFailure): readonly string[] {
  const { verdict, differences } = failure;
  const by =
    verdict.policy === '' ? 'no policy' : `${verdict.policy}${verdict.rule < 0 ? '' : ` rules[${verdict.rule}]`}`;
  return [requestOf(failure), `  ${differences.join('; ')}`, `  by ${by}: ${verdict.reason}`];
}

/** "GET /orders  shop/web → orders.shop". */
function requestOf({ question }: CaseFailure): string {
  const { from, to, method, path } = question;
  const caller = from === '' ? 'a caller without identity' : shortIdentity(from, 'cluster.local');
  return `${method} ${path}  ${caller} → ${to.service.name}.${to.service.namespace}`;
}

function untested({ untestedRules }: SuiteResult, palette: Palette): string {
  if (untestedRules.length === 0) return '';
  return palette.dim(`  no test is decided by ${untestedRules.map(printable).join(', ')}\n`);
}

/** Results as plain data. */
export function testResultsData(results: readonly SuiteResult[]): object {
  const cases = results.flatMap((result) => result.cases);
  const failed = cases.filter(({ failures }) => failures.length > 0).length;
  return {
    passed: cases.length - failed,
    failed,
    files: results.map(({ file, cases: own, untestedRules }) => ({
      file,
      tests: own.map(({ test, failures }) => ({
        name: test.name,
        line: test.line,
        column: test.column,
        requests: test.questions.length,
        passed: failures.length === 0,
        failures: failures.map((failure) => ({
          request: requestOf(failure),
          differences: failure.differences,
          verdict: failure.verdict,
        })),
      })),
      untestedRules,
    })),
  };
}
