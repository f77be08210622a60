import { RampartError } from '@rampart/core';
import type { Problem } from '@rampart/wire';
import { type Command, Option } from 'commander';
import { parseDuration } from '../../arguments/duration.ts';
import { collectText } from '../../arguments/pair.ts';
import type { AdminClient } from '../../connection/admin-connection.ts';
import { joinDocuments, readDocuments, requireResources } from '../../documents/document-set.ts';
import { reportRefusal, toDocumentProblem } from '../../documents/refusal.ts';
import { EXIT } from '../../exit-code.ts';
import { renderProblem } from '../../views/problem-line.ts';
import { renderReplay, type SimulationReport } from '../../views/replay.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { replayProgress } from './replay-progress.ts';

interface SimulateOptions {
  readonly filename: readonly string[];
  readonly since: number;
  readonly replaceAll?: boolean;
  readonly namespace?: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;
// Connect takes 0 for no time limit: a replay may take as long as there are records.
const NO_LIMIT = 0;

export function defineSimulate(parent: Command, shell: Shell): void {
  parent
    .command('simulate')
    .description(
      'replay the access log against policies before they are applied: which requests would be decided differently; ' +
        'exit 1 when any that is allowed would be denied',
    )
    .requiredOption(
      '-f, --filename <file>',
      'candidate: file or directory of YAML or JSON, or - for standard input; may be repeated',
      collectText,
    )
    .addOption(
      new Option('--since <duration>', 'replay requests of the last …').argParser(parseDuration).default(DAY_MS, '24h'),
    )
    .option(
      '--replace-all',
      'judge by the candidate alone (default: the resources in force, with those of the candidate in the place of theirs)',
    )
    .option('-n, --namespace <name>', 'namespace of resources that name none (default: default)')
    .addHelpText(
      'after',
      examples(
        ['rampart authz simulate -f policies.yaml', 'what would have been different since yesterday'],
        ['rampart authz simulate -f policies/ --replace-all --since 7d', 'with these policies and no others'],
        ['rampart authz simulate -f policies.yaml -o json', 'for a script; exit 1 when traffic would break'],
      ),
    )
    .action((options: SimulateOptions, command: Command) =>
      shell.run(command, (invocation) => simulate(options, invocation)),
    );
}

async function simulate(options: SimulateOptions, invocation: Invocation): Promise<number> {
  const set = await readDocuments(options.filename, { io: invocation.io, namespace: options.namespace });
  if (set.refused) return reportRefusal(set.problems, invocation, 'nothing was replayed');
  requireResources(set, 'simulate');
  const joined = joinDocuments(set.documents);
  const request = {
    document: joined.text,
    file: joined.file,
    namespace: options.namespace ?? '',
    since: BigInt(invocation.io.clock.now() - options.since),
    replaceAll: options.replaceAll ?? false,
  };
  const outcome = await replayed(invocation, (client) => client.simulate(request, { timeoutMs: NO_LIMIT }));
  if ('refused' in outcome)
    return reportRefusal(
      outcome.refused.map((problem) => toDocumentProblem(problem, joined)),
      invocation,
      'nothing was replayed',
    );
  const { report } = outcome;
  for (const warning of set.problems) invocation.note(renderProblem(warning));
  invocation.show({
    data: () => report,
    table: () => renderReplay(report, { palette: invocation.palette, width: invocation.io.stdout.columns }),
  });
  return report.nowDenied > 0 ? EXIT.no : EXIT.ok;
}

type Outcome = { readonly report: SimulationReport } | { readonly refused: readonly Problem[] };
type Answers = ReturnType<AdminClient['simulate']>;

/** Takes in what the control plane streams, and shows how far it has come. */
async function replayed(invocation: Invocation, ask: (client: AdminClient) => Answers): Promise<Outcome> {
  const progress = replayProgress(invocation);
  let outcome: Outcome | undefined;
  try {
    await invocation.withAdmin(async (client) => {
      for await (const { message } of ask(client)) {
        if (message.case === 'progress') progress.say(message.value);
        else if (message.case === 'refused') outcome = { refused: message.value.problems };
        else if (message.case === 'reportJson') outcome = { report: JSON.parse(message.value) as SimulationReport };
      }
    });
  } finally {
    progress.end();
  }
  if (outcome === undefined)
    throw new RampartError('CONTROL_PLANE_UNREACHABLE', 'the replay ended without an answer; try again');
  return outcome;
}
