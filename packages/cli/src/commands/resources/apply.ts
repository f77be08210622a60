import { RampartError } from '@rampart/core';
import type { ApplyResponse, RollbackResponse } from '@rampart/wire';
import type { Command } from 'commander';
import { parseRevision } from '../../arguments/number.ts';
import { collectText } from '../../arguments/pair.ts';
import { type DocumentSet, joinDocuments, readDocuments, requireResources } from '../../documents/document-set.ts';
import { problemData, reportRefusal, toDocumentProblem } from '../../documents/refusal.ts';
import { EXIT } from '../../exit-code.ts';
import { resourceName } from '../../render/names.ts';
import { type DocumentProblem, renderProblem } from '../../views/problem-line.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { applySet, type ApplySettings } from './apply-set.ts';
import { addWaitOptions, followRollout, noteRollout, type Rollout, rolloutData, type WaitOption } from './rollout.ts';

interface ApplyOptions {
  readonly filename?: readonly string[];
  readonly rollback?: bigint;
  readonly dryRun?: boolean;
  readonly allowUnknownServices?: boolean;
  readonly namespace?: string;
  readonly wait?: WaitOption;
}

/** What one document may well hold; the control plane reads it in one go. */
const LARGE_CHARACTERS = 256 * 1024;

export function defineApply(parent: Command, shell: Shell): void {
  const command = parent
    .command('apply')
    .description(
      'apply resources, all or nothing, or bring back an earlier set; every problem is listed with its place',
    )
    .option(
      '-f, --filename <file>',
      'file or directory of YAML, JSON or HCL (rules of the registry), or - for standard input; may be repeated',
      collectText,
    )
    .option(
      '--rollback <revision>',
      'bring back the whole set of resources as it was at this revision ("rampart history" lists them)',
      parseRevision,
    )
    .option('--dry-run', 'say what would change and change nothing')
    .option(
      '--allow-unknown-services',
      'take rules about services, subsets and ports that are not there yet, with a warning: for rules that are there before their services',
    )
    .option('-n, --namespace <name>', 'namespace of resources that name none (default: default)');
  addWaitOptions(command)
    .addHelpText(
      'after',
      examples(
        ['rampart apply -f policies.yaml', 'one file'],
        ['rampart apply -f policies/ --dry-run', 'what would change'],
        ['cat policy.yaml | rampart apply -f -', 'from standard input'],
        ['rampart apply -f policies.yaml --wait 30s', 'go on only when every data plane enforces it'],
        ['rampart apply --rollback 42', 'undo what came after revision 42'],
      ),
    )
    .action((options: ApplyOptions, command: Command) =>
      shell.run(command, (invocation) => applyOrRollBack(options, invocation)),
    );
}

function applyOrRollBack(options: ApplyOptions, invocation: Invocation): Promise<number> {
  const { filename, rollback } = options;
  if (filename !== undefined && rollback !== undefined)
    throw new RampartError('INVALID_ARGUMENT', 'give -f FILE or --rollback REVISION, not both');
  if (rollback !== undefined) return rollBack(rollback, options, invocation);
  if (filename !== undefined) return apply(filename, options, invocation);
  throw new RampartError('INVALID_ARGUMENT', 'say what to apply: -f FILE, or --rollback REVISION');
}

async function apply(names: readonly string[], options: ApplyOptions, invocation: Invocation): Promise<number> {
  const set = await readDocuments(names, { io: invocation.io, namespace: options.namespace });
  if (set.refused) return reportRefusal(set.problems, invocation);
  requireResources(set, 'apply');
  const { dryRun = false, allowUnknownServices = false, namespace = '' } = options;
  const settings = { dryRun, allowUnknownServices, namespace };
  const isLarge = set.documents.reduce((sum, { text }) => sum + text.length, 0) > LARGE_CHARACTERS;
  const { answer, problems } = await (isLarge ? applySet : applyDocument)(set, settings, invocation);
  if (problems.some((problem) => problem.severity !== 'warning')) return reportRefusal(problems, invocation);
  return showChange({ answer, warnings: problems, options, nothing: '' }, invocation);
}

async function applyDocument(
  set: DocumentSet,
  settings: ApplySettings,
  { withAdmin }: Invocation,
): Promise<{ readonly answer: ApplyResponse; readonly problems: readonly DocumentProblem[] }> {
  const joined = joinDocuments(set.documents);
  const answer = await withAdmin((client) => client.apply({ document: joined.text, file: joined.file, ...settings }));
  return { answer, problems: answer.problems.map((problem) => toDocumentProblem(problem, joined)) };
}

async function rollBack(revision: bigint, options: ApplyOptions, invocation: Invocation): Promise<number> {
  const dryRun = options.dryRun ?? false;
  const answer = await invocation.withAdmin((client) => client.rollback({ revision, dryRun }));
  if (answer.problems.length > 0) return reportRefusal(answer.problems, invocation);
  const nothing = `nothing to bring back: the resources are what they were at revision ${revision}`;
  return showChange({ answer, warnings: [], options, nothing }, invocation);
}

interface Change {
  readonly answer: ApplyResponse | RollbackResponse;
  readonly warnings: readonly DocumentProblem[];
  readonly options: ApplyOptions;
  /** What to say when no resource is concerned. */
  readonly nothing: string;
}

/** Shows what changed, waits for the data planes, and says how far it has come. */
async function showChange({ answer, warnings, options, nothing }: Change, invocation: Invocation): Promise<number> {
  const { resources, revision } = answer;
  const dryRun = options.dryRun ?? false;
  for (const warning of warnings) invocation.note(renderProblem(warning));
  const lines = resources.map(
    (resource) => `${resourceName(resource)} ${resource.outcome}${dryRun ? ' (dry run)' : ''}\n`,
  );
  // A person sees what is done before the wait begins; data come whole, at the end.
  if (invocation.globals.output === 'table') invocation.io.stdout.write(lines.join(''));
  if (resources.length === 0) invocation.note(nothing);
  const rollout = revision === 0n ? undefined : await followRollout(revision, options.wait, invocation);
  if (invocation.globals.output !== 'table')
    invocation.show({
      data: () => ({
        resources: resources.map(({ kind, namespace, name, outcome }) => ({ kind, namespace, name, outcome })),
        warnings: warnings.map(problemData),
        dryRun,
        ...rolloutData(rollout ?? none(answer)),
      }),
      table: () => '',
    });
  if (rollout !== undefined) noteRollout(rollout, invocation);
  return rollout?.isDone === false ? EXIT.no : EXIT.ok;
}

function none({ revision, dataPlanes }: Change['answer']): Rollout {
  return { revision, taken: 0, dataPlanes, lagging: [], isDone: true };
}
