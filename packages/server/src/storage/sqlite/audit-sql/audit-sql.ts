import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Clock, fail, ok, RampartError, type Result } from '@rampart/core';
import type { AuditSql, SqlRows } from '../../audit-sql.ts';
import type { QueryAnswer, QueryOrder } from './query-process.ts';

const LONGEST_MS = 10_000;
const MOST_AT_ONCE = 2;
const MOST_ROWS = 10_000;
const MOST_HEAP_MIB = 256;
/** Published, it is built beside this file. */
const PROCESS = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './query-process.ts' : './query-process.js', import.meta.url),
);

/** Questions to the SQLite file in which the record is, each in a process of its own. */
export function createSqliteAuditSql(file: string, clock: Clock): AuditSql {
  let running = 0;
  return {
    ask: async (question) => {
      if (running >= MOST_AT_ONCE) {
        return fail(
          new RampartError('RATE_LIMITED', `${MOST_AT_ONCE} questions are being answered: ask again when they are`),
        );
      }
      running += 1;
      try {
        return await run({ ...question, file, mostRows: MOST_ROWS }, clock);
      } finally {
        running -= 1;
      }
    },
  };
}

function run(order: QueryOrder, clock: Clock): Promise<Result<SqlRows, RampartError>> {
  return new Promise((resolve) => {
    const child = fork(PROCESS, [], {
      execArgv: ['--no-warnings', `--max-old-space-size=${MOST_HEAP_MIB}`],
      env: {},
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const end = (outcome: Result<SqlRows, RampartError>): void => {
      late.cancel();
      child.kill('SIGKILL');
      resolve(outcome);
    };
    const late = clock.after(LONGEST_MS, () =>
      end(refused(`it took longer than ${LONGEST_MS / 1000} s: ask for a shorter time, or less`)),
    );
    child.once('message', (answer: QueryAnswer) =>
      end('refused' in answer ? refused(inWords(answer.refused.replace(/^sql: /, ''))) : ok(answer)),
    );
    child.once('error', (cause) =>
      end(fail(new RampartError('INTERNAL', 'the question could not be asked', { cause }))),
    );
    child.once('exit', () => end(fail(new RampartError('INTERNAL', 'the question ended without an answer'))));
    child.send(order);
  });
}

function inWords(message: string): string {
  const [, forbidden] = /not authorized to use function: (\w+)/.exec(message) ?? [];
  if (forbidden !== undefined) return `the function ${forbidden} is not answered`;
  const [, unknown] = /no such table: (\S+)/.exec(message) ?? [];
  if (unknown !== undefined) return `there is no table ${unknown}: ask audit_logs and allowed_services`;
  if (/too big|out of memory/.test(message)) return 'it takes too much memory: ask for less at once';
  const [, near] = /^near "(.*)": syntax error$/.exec(message) ?? [];
  if (near !== undefined) return `${JSON.stringify(near)} has no counterpart here`;
  return /not authorized|prohibited/.test(message)
    ? 'only the tables audit_logs and allowed_services can be asked'
    : message;
}

function refused(why: string): Result<never, RampartError> {
  return fail(new RampartError('INVALID_ARGUMENT', `sql: ${why}`));
}
