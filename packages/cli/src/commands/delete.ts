import { RampartError } from '@rampart/core';
import type { Command } from 'commander';
import { namespaceOf, parseStoredKind, STORED_KIND_HELP } from '../arguments/kind.ts';
import { collectText } from '../arguments/pair.ts';
import { readDocuments, requireResources } from '../documents/document-set.ts';
import { reportRefusal } from '../documents/refusal.ts';
import { EXIT } from '../exit-code.ts';
import { resourceName } from '../render/names.ts';
import { examples, type Invocation, type Shell } from '../shell.ts';
import { addWaitOptions, followRollout, noteRollout, rolloutData, type WaitOption } from './resources/rollout.ts';

interface DeleteOptions {
  readonly filename?: readonly string[];
  readonly namespace?: string;
  readonly ignoreNotFound?: boolean;
  readonly wait?: WaitOption;
}

interface Target {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export function defineDelete(parent: Command, shell: Shell): void {
  const command = parent
    .command('delete')
    .description('delete resources by kind and name, or those that files describe, all at once')
    .argument('[kind]', STORED_KIND_HELP)
    .argument('[name...]', 'names of the resources')
    .option('-n, --namespace <name>', 'namespace (default: default)')
    .option(
      '-f, --filename <file>',
      'file or directory of YAML or JSON, or - for standard input; may be repeated',
      collectText,
    )
    .option('--ignore-not-found', 'exit 0 even when there is nothing to delete');
  addWaitOptions(command)
    .addHelpText(
      'after',
      examples(
        ['rampart delete ap allow-frontend -n production', 'one policy'],
        ['rampart delete ns staging', 'labels of a namespace; what is in it stays'],
        ['rampart delete -f policies.yaml', 'everything a file describes'],
      ),
    )
    .action((...[kind, names, options, command]: DeleteWords) =>
      shell.run(command, (invocation) => deleteWhat({ kind, names }, options, invocation)),
    );
}

type DeleteWords = readonly [
  kind: string | undefined,
  names: readonly string[],
  options: DeleteOptions,
  command: Command,
];

interface NamedWords {
  readonly kind: string | undefined;
  readonly names: readonly string[];
}

async function deleteWhat(words: NamedWords, options: DeleteOptions, invocation: Invocation): Promise<number> {
  if (options.filename === undefined) return deleteTargets(namedTargets(words, options), options, invocation);
  if (words.kind !== undefined) {
    throw new RampartError(
      'INVALID_ARGUMENT',
      'name resources or files, not both: "rampart delete KIND NAME" or "rampart delete -f FILE"',
    );
  }
  const set = await readDocuments(options.filename, { io: invocation.io, namespace: options.namespace });
  if (set.refused) return reportRefusal(set.problems, invocation);
  requireResources(set, 'delete');
  const targets = set.resources.map(({ kind, metadata: { namespace, name } }): Target => ({ kind, namespace, name }));
  return deleteTargets(targets, options, invocation);
}

function namedTargets({ kind, names }: NamedWords, options: DeleteOptions): Target[] {
  if (kind === undefined || names.length === 0)
    throw new RampartError(
      'INVALID_ARGUMENT',
      'say what to delete: "rampart delete KIND NAME -n NAMESPACE" or "rampart delete -f FILE"',
    );
  const stored = parseStoredKind(kind);
  return names.map((name) => ({ kind: stored, namespace: namespaceOf(stored, options.namespace), name }));
}

async function deleteTargets(
  targets: readonly Target[],
  options: DeleteOptions,
  invocation: Invocation,
): Promise<number> {
  const { withAdmin, show, note, io, globals } = invocation;
  const answer = await withAdmin((client) => client.deleteResources({ resources: [...targets] }));
  const { revision, dataPlanes } = answer;
  // Under the names that were given: kinds of the whole mesh need no namespace.
  const resources = targets.map((target, index) => ({ ...target, outcome: answer.resources[index]?.outcome ?? '' }));
  const gone = resources.filter(({ outcome }) => outcome === 'deleted');
  const missing = resources.filter(({ outcome }) => outcome !== 'deleted');
  const failed = missing.length > 0 && options.ignoreNotFound !== true;
  const isTable = globals.output === 'table';
  // A person sees what is done before the wait begins; data come whole, at the end.
  if (isTable) io.stdout.write(gone.map((target) => `${resourceName(target)} deleted\n`).join(''));
  if (isTable && resources.length > 0 && gone.length === 0 && !failed) note('nothing to delete: it is gone already');
  const rollout = revision === 0n ? undefined : await followRollout(revision, options.wait, invocation);
  // An answer as data is one document: the deleted ones, or the error that says which were missing.
  if (!isTable && !failed)
    show({
      data: () => ({
        resources: resources.map(({ kind, namespace, name, outcome }) => ({ kind, namespace, name, outcome })),
        ...rolloutData(rollout ?? { revision, taken: 0, dataPlanes, lagging: [], isDone: true }),
      }),
      table: () => '',
    });
  if (rollout !== undefined) noteRollout(rollout, invocation);
  if (failed) throw notFound(missing, gone);
  return rollout?.isDone === false ? EXIT.no : EXIT.ok;
}

function notFound(missing: readonly Target[], gone: readonly Target[]): RampartError {
  const names = missing.map(resourceName).join(', ');
  const rest = gone.length === 0 ? '' : ` (deleted: ${gone.map(resourceName).join(', ')})`;
  return new RampartError(
    'NOT_FOUND',
    `not found: ${names}${rest}; "rampart get ${missing[0]?.kind ?? 'KIND'} -A" lists what there is`,
  );
}
