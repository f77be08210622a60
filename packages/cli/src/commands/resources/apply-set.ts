import type { MessageInitShape } from '@bufbuild/protobuf';
import { RampartError, type Resource, toJson } from '@rampart/core';
import type { ApplyRequest, ApplyResponse, ApplySetPartSchema } from '@rampart/wire';
import type { DocumentSet } from '../../documents/document-set.ts';
import { Progress } from '../../render/progress.ts';
import type { Invocation } from '../../shell.ts';
import type { DocumentProblem } from '../../views/problem-line.ts';

export type ApplySettings = Pick<ApplyRequest, 'dryRun' | 'namespace' | 'allowUnknownServices'>;

/** Checked at once; small enough that the control plane has its mind on other things in between. */
const RESOURCES_A_PART = 200;
const LONGEST_MS = 10 * 60_000;

/** Applies a set that is too large for one document, all or nothing, and tells meanwhile how far it has come. */
export async function applySet(
  set: DocumentSet,
  settings: ApplySettings,
  { io, globals, withAdmin }: Invocation,
): Promise<{ readonly answer: ApplyResponse; readonly problems: readonly DocumentProblem[] }> {
  const { resources } = set;
  const progress = new Progress(io.stderr, io.clock);
  try {
    const answer = await withAdmin(async (client) => {
      let outcome: ApplyResponse | undefined;
      // Heard to its end: a stream that is left early keeps the process.
      for await (const { checked, applied } of client.applySet(partsOf(resources, settings), {
        timeoutMs: LONGEST_MS,
      })) {
        outcome = applied;
        const next = checked < resources.length ? '' : ', applying them';
        if (globals.output === 'table') progress.say(`${checked} of ${resources.length} resources checked${next}`);
      }
      return outcome;
    });
    if (answer === undefined) throw untold();
    return { answer, problems: answer.problems.map((problem) => problemOf(problem, set)) };
  } finally {
    progress.end();
  }
}

function untold(): RampartError {
  const message = 'the control plane did not say what became of it; look with "rampart get"';
  return new RampartError('CONTROL_PLANE_UNREACHABLE', message);
}

async function* partsOf(
  resources: readonly Resource[],
  settings: ApplySettings,
): AsyncGenerator<MessageInitShape<typeof ApplySetPartSchema>> {
  for (let first = 0; first < resources.length; first += RESOURCES_A_PART) {
    const texts = resources.slice(first, first + RESOURCES_A_PART).map((resource) => toJson(resource));
    yield { resources: texts, ...(first === 0 && settings) };
  }
}

/** Its line is the number of its resource. */
function problemOf(
  { severity, code, message, line, field }: ApplyResponse['problems'][number],
  set: DocumentSet,
): DocumentProblem {
  const resource = set.resources[line - 1];
  const place = resource === undefined ? undefined : set.placeOf(resource, field);
  return { severity, code, message, field, file: '', line: 0, column: 0, ...place };
}
