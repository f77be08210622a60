import type { Problem } from '@rampart/wire';
import { EXIT } from '../exit-code.ts';
import { type DocumentProblem, renderProblem } from '../views/problem-line.ts';
import type { Invocation } from '../shell.ts';
import type { JoinedDocument } from './document-set.ts';

/** A problem of the control plane's answer, at the place in the user's own file. */
export function toDocumentProblem(problem: Problem, joined: JoinedDocument): DocumentProblem {
  const { severity, code, message, column, field } = problem;
  return { severity, code, message, column, field, ...joined.originOf(problem.line) };
}

/** A problem as plain data. */
export function problemData({ severity, code, message, file, line, column, field }: DocumentProblem): object {
  return { severity, code, message, file, line, column, field };
}

/** Lists every problem, says what did not happen for them, and gives the exit code of a refusal. */
export function reportRefusal(
  problems: readonly DocumentProblem[],
  { globals, io, renderData }: Invocation,
  effect = 'nothing was changed',
): number {
  const errors = problems.filter((problem) => problem.severity !== 'warning');
  const count = `${errors.length} problem${errors.length === 1 ? '' : 's'}`;
  if (globals.output === 'table') {
    io.stderr.write(
      `${problems.map((problem) => `${renderProblem(problem)}\n`).join('')}error: refused for ${count}; ${effect}\n`,
    );
  } else {
    const message = `refused for ${count}; ${effect}`;
    io.stdout.write(
      renderData({
        error: { code: errors[0]?.code ?? 'INVALID_RESOURCE', message, problems: problems.map(problemData) },
      }),
    );
  }
  return EXIT.no;
}
