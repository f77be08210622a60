import type { CheckKind } from './check.ts';
import type { CheckRequest } from './check-request.ts';

const MOST_CHECKS = 16;
const LONGEST_NAME = 253;
const SHORTEST_MS = 1000;
/** A run that hangs holds a place of its service. */
const LONGEST_RUN_MS = 60_000;
const LONGEST_MS = 24 * 60 * 60 * 1000;
const MOST_IN_A_ROW = 1000;
const INTERVAL = [SHORTEST_MS, LONGEST_MS] as const;
const TIMEOUT = [1, LONGEST_RUN_MS] as const;
const IN_A_ROW = [0, MOST_IN_A_ROW] as const;
const NONE: readonly string[] = Object.freeze([]);
const METHOD = /^[A-Z]{1,16}$/;
// RFC 9110 §5.1 and §5.5.
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;
const HEADER_VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]{0,1024}$/;
const PATH = /^\/[\u0021-\u007e]{0,1023}$/;
const NO_PRINT = /[\u0000-\u001f\u007f]/;
/** What would change who is asked, or where a message ends. */
const FRAMING = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'upgrade', 'te', 'trailer']);

/** What is wrong with the checks of a registration, each with the place of its field. */
export function checkProblems(checks: readonly CheckRequest[]): readonly string[] {
  if (checks.length === 0) return NONE;
  if (checks.length > MOST_CHECKS) return [`checks must be at most ${MOST_CHECKS}, there are ${checks.length}`];
  const problems: string[] = [];
  const ids = checks.flatMap(({ checkId }) => (checkId === undefined ? [] : [checkId]));
  const twice = ids.find((checkId, index) => ids.indexOf(checkId) !== index);
  if (twice !== undefined) problems.push(`checks must have different ids; ${JSON.stringify(twice)} is there twice`);
  for (const [index, check] of checks.entries())
    for (const problem of problemsOf(check)) problems.push(`checks[${index}].${problem}`);
  return problems;
}

/** Nearly every check is in order: what is wrong is gathered only where there is something. */
function problemsOf(check: CheckRequest): readonly string[] {
  const { kind, runBy, failuresBeforeWarning = 0, failuresBeforeCritical = 0 } = check;
  const isReported = runBy !== undefined && kind.type === 'ttl';
  const isTurned = failuresBeforeWarning > failuresBeforeCritical;
  return gathered([
    nameProblem('checkId', check.checkId),
    nameProblem('name', check.name),
    kindProblem(kind),
    isReported ? ['runBy has no meaning for a TTL, which is reported'] : NONE,
    within('intervalMs', check.intervalMs, INTERVAL),
    within('timeoutMs', check.timeoutMs, TIMEOUT),
    within('successBeforePassing', check.successBeforePassing, IN_A_ROW),
    within('failuresBeforeWarning', check.failuresBeforeWarning, IN_A_ROW),
    within('failuresBeforeCritical', check.failuresBeforeCritical, IN_A_ROW),
    isTurned ? ['failuresBeforeWarning must not be more than failuresBeforeCritical'] : NONE,
  ]);
}

function gathered(problems: readonly (readonly string[])[]): readonly string[] {
  return problems.every(({ length }) => length === 0) ? NONE : problems.flat();
}

function nameProblem(field: string, text: string | undefined): readonly string[] {
  if (text === undefined) return NONE;
  const isGood = text.length >= 1 && text.length <= LONGEST_NAME && text.isWellFormed() && !NO_PRINT.test(text);
  return isGood ? NONE : [`${field} must be 1 to ${LONGEST_NAME} characters without control characters`];
}

function kindProblem(kind: CheckKind): readonly string[] {
  switch (kind.type) {
    case 'http':
      return [
        ...portProblem(kind.port),
        ...(PATH.test(kind.path) ? [] : ['path must begin with "/" and have no spaces, 1024 characters at most']),
        ...(kind.method === undefined || METHOD.test(kind.method) ? [] : ['method must be a method of HTTP: "GET"']),
        ...headerProblem(Object.entries(kind.headers ?? {})),
      ];
    case 'tcp':
      return portProblem(kind.port);
    case 'grpc':
      return [...portProblem(kind.port), ...nameProblem('service', kind.service)];
    case 'ttl':
      return within('ttlMs', kind.ttlMs, INTERVAL);
    case 'script': {
      const { args } = kind;
      const isGood = args.length >= 1 && args.length <= 64 && args.every((word) => isWord(word)) && args[0] !== '';
      return isGood ? [] : ['args must be a program and its arguments, 64 words of 4096 characters at most'];
    }
  }
}

function isWord(word: string): boolean {
  return word.length <= 4096 && word.isWellFormed() && !word.includes('\u0000');
}

function headerProblem(headers: readonly (readonly [name: string, value: string])[]): string[] {
  const isGood = headers.every(
    ([name, value]) => HEADER_NAME.test(name) && HEADER_VALUE.test(value) && !FRAMING.has(name.toLowerCase()),
  );
  return isGood && headers.length <= 32
    ? []
    : [`headers must be at most 32 of HTTP, none of them ${[...FRAMING].join(', ')}`];
}

function portProblem(port: number | undefined): readonly string[] {
  return within('port', port, [1, 65_535]);
}

function within(field: string, value: number | undefined, [least, most]: readonly [number, number]): readonly string[] {
  if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return NONE;
  return [`${field} must be a whole number from ${least} to ${most}`];
}
