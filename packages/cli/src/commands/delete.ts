import { RampartError } from '@rampart/core';
import type { Command } from 'commander';
import { namespaceOf, parseStoredKind, STORED_KIND_HELP } from '../arguments/kind.ts';
import { collectText } from '../arguments/pair.ts';
import { readDocuments, requireResources } from '../documents/document-set.ts';
import { reportRefusal } from '../documents/refusal.ts';
import { EXIT } from '../exit-code.ts';
import { resourceName } from '../render/names.ts';
import { examples, type Invocation, type Shell } from '../shell.ts';

interface DeleteOptions {
  readonly filename?: readonly string[];
  readonly namespace?: string;
  readonly ignoreNotFound?: boolean;
}

interface Target {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export function defineDelete(parent: Command, shell: Shell): void {
  parent
    .command('delete')
    .description('delete resources by kind and name, or those that files describe')
    .argument('[kind]', STORED_KIND_HELP)
    .argument('[name...]', 'names of the resources')
    .option('-n, --namespace <name>', 'namespace (default: default)')
    .option(
      '-f, --filename <file>',
      'file or directory of YAML or JSON, or - for standard input; may be repeated',
      collectText,
    )
    .option('--ignore-not-found', 'exit 0 even when there is nothing to delete')
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
  { withAdmin, show, globals }: Invocation,
): Promise<number> {
  const outcomes = await withAdmin(async (client) => {
    const done: (Target & { readonly deleted: boolean })[] = [];
    for (const target of targets) {
      const { deleted } = await client.deleteResource(target);
      done.push({ ...target, deleted });
    }
    return done;
  });
  const gone = outcomes.filter((outcome) => outcome.deleted);
  const missing = outcomes.filter((outcome) => !outcome.deleted);
  const failed = missing.length > 0 && options.ignoreNotFound !== true;
  const showsData = globals.output !== 'table';
  // An answer as data is one document: the deleted ones, or the error that says which were missing.
  if (!(failed && showsData))
    show({
      data: () => outcomes,
      table: () => gone.map((target) => `${resourceName(target)} deleted\n`).join(''),
    });
  if (failed) throw notFound(missing);
  return EXIT.ok;
}

function notFound(targets: readonly Target[]): RampartError {
  const names = targets.map(resourceName).join(', ');
  return new RampartError(
    'NOT_FOUND',
    `not found: ${names}; "rampart get ${targets[0]?.kind ?? 'KIND'} -A" lists what there is`,
  );
}
