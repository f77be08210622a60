import type { ApplyResponse } from '@rampart/wire';
import type { Command } from 'commander';
import { collectText } from '../arguments/pair.ts';
import { readDocuments, joinDocuments, type JoinedDocument } from '../documents/document-set.ts';
import { problemData, reportRefusal, toDocumentProblem } from '../documents/refusal.ts';
import { EXIT } from '../exit-code.ts';
import { renderProblem } from '../views/problem-line.ts';
import { examples, type Invocation, type Shell } from '../shell.ts';

interface ApplyOptions {
  readonly filename: readonly string[];
  readonly dryRun?: boolean;
  readonly namespace?: string;
}

export function defineApply(parent: Command, shell: Shell): void {
  parent
    .command('apply')
    .description('apply resources, all or nothing; every problem is listed with its place')
    .requiredOption(
      '-f, --filename <file>',
      'file or directory of YAML or JSON, or - for standard input; may be repeated',
      collectText,
    )
    .option('--dry-run', 'say what would change and change nothing')
    .option('-n, --namespace <name>', 'namespace of resources that name none (default: default)')
    .addHelpText(
      'after',
      examples(
        ['rampart apply -f policies.yaml', 'one file'],
        ['rampart apply -f policies/ --dry-run', 'what would change'],
        ['cat policy.yaml | rampart apply -f -', 'from standard input'],
      ),
    )
    .action((options: ApplyOptions, command: Command) =>
      shell.run(command, (invocation) => apply(options, invocation)),
    );
}

async function apply(options: ApplyOptions, invocation: Invocation): Promise<number> {
  const set = await readDocuments(options.filename, { io: invocation.io, namespace: options.namespace });
  if (set.refused) return reportRefusal(set.problems, invocation);
  const joined = joinDocuments(set.documents);
  const answer = await invocation.withAdmin((client) =>
    client.apply({
      document: joined.text,
      file: joined.file,
      dryRun: options.dryRun ?? false,
      namespace: options.namespace ?? '',
    }),
  );
  const problems = answer.problems.map((problem) => toDocumentProblem(problem, joined));
  if (problems.some((problem) => problem.severity !== 'warning')) return reportRefusal(problems, invocation);
  showApplied(answer, { joined, dryRun: options.dryRun ?? false, invocation });
  return EXIT.ok;
}

interface AppliedView {
  readonly joined: JoinedDocument;
  readonly dryRun: boolean;
  readonly invocation: Invocation;
}

function showApplied(answer: ApplyResponse, { joined, dryRun, invocation }: AppliedView): void {
  const warnings = answer.problems.map((problem) => toDocumentProblem(problem, joined));
  for (const warning of warnings) invocation.note(renderProblem(warning));
  invocation.show({
    data: () => ({
      resources: answer.resources.map(({ kind, namespace, name, outcome }) => ({ kind, namespace, name, outcome })),
      warnings: warnings.map(problemData),
      dryRun,
      revision: Number(answer.revision),
      dataPlanes: answer.dataPlanes,
    }),
    table: () =>
      answer.resources
        .map(
          ({ kind, namespace, name, outcome }) =>
            `${kind} ${namespace}/${name} ${outcome}${dryRun ? ' (dry run)' : ''}\n`,
        )
        .join(''),
  });
  if (answer.resources.length === 0) invocation.note('nothing to apply: no resource in the documents');
  else if (!dryRun)
    invocation.note(
      `in force at revision ${answer.revision}, pushed to ${answer.dataPlanes} data plane${answer.dataPlanes === 1 ? '' : 's'}`,
    );
}
