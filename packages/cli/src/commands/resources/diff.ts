import { qualifiedName, type Resource, resourceKey, toDocument } from '@rampart/core';
import type { AppliedResource, StoredResource } from '@rampart/wire';
import type { Command } from 'commander';
import { collectText } from '../../arguments/pair.ts';
import { joinDocuments, readDocuments, requireResources } from '../../documents/document-set.ts';
import { problemData, reportRefusal, toDocumentProblem } from '../../documents/refusal.ts';
import { EXIT } from '../../exit-code.ts';
import type { Palette } from '../../render/colour.ts';
import { printable } from '../../render/text.ts';
import { renderYaml } from '../../render/yaml.ts';
import { unifiedHunks } from '../../render/unified-diff.ts';
import { renderProblem } from '../../views/problem-line.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';

interface DiffOptions {
  readonly filename: readonly string[];
  readonly namespace?: string;
}

export function defineDiff(parent: Command, shell: Shell): void {
  parent
    .command('diff')
    .description('how files differ from the resources in force; exit 1 when they do')
    .requiredOption(
      '-f, --filename <file>',
      'file or directory of YAML or JSON, or - for standard input; may be repeated',
      collectText,
    )
    .option('-n, --namespace <name>', 'namespace of resources that name none (default: default)')
    .addHelpText(
      'after',
      examples(
        ['rampart diff -f policies.yaml', 'what "rampart apply -f policies.yaml" would change'],
        ['rampart diff -f policies/ -o json', 'the same for a script'],
      ),
    )
    .action((options: DiffOptions, command: Command) => shell.run(command, (invocation) => diff(options, invocation)));
}

/** What would become of one resource. */
interface Difference {
  readonly resource: Resource;
  readonly outcome: 'created' | 'changed' | 'unchanged';
  /** Lines of the unified format; none when nothing changes. */
  readonly lines: readonly string[];
}

async function diff(options: DiffOptions, invocation: Invocation): Promise<number> {
  const set = await readDocuments(options.filename, { io: invocation.io, namespace: options.namespace });
  if (set.refused) return reportRefusal(set.problems, invocation);
  requireResources(set, 'compare');
  const joined = joinDocuments(set.documents);
  const request = {
    document: joined.text,
    file: joined.file,
    dryRun: true,
    // What would change is worth seeing although its services are not there.
    allowUnknownServices: true,
    namespace: options.namespace ?? '',
  };
  const [tried, live] = await invocation.withAdmin((client) =>
    Promise.all([client.apply(request), client.getResources({})]),
  );
  const problems = tried.problems.map((problem) => toDocumentProblem(problem, joined));
  if (problems.some(({ severity }) => severity !== 'warning')) return reportRefusal(problems, invocation);
  const differences = compare(set.resources, tried.resources, live.resources);
  for (const warning of problems) invocation.note(renderProblem(warning));
  invocation.show({
    data: () => ({
      resources: differences.map(({ resource: { kind, metadata }, outcome, lines }) => ({
        kind,
        namespace: metadata.namespace,
        name: metadata.name,
        outcome,
        diff: lines.map((line) => `${line}\n`).join(''),
      })),
      warnings: problems.map(problemData),
    }),
    table: () => renderDifferences(differences, invocation.palette),
  });
  return differences.some(({ outcome }) => outcome !== 'unchanged') ? EXIT.no : EXIT.ok;
}

function compare(
  resources: readonly Resource[],
  tried: readonly AppliedResource[],
  live: readonly StoredResource[],
): Difference[] {
  const held = new Map(live.map((stored) => [keyOf(stored), stored]));
  const outcomes = new Map(tried.map((applied) => [keyOf(applied), applied.outcome]));
  return resources.map((resource) => {
    const key = resourceKey(resource);
    const before = held.get(key);
    if (outcomes.get(key) === 'unchanged') return { resource, outcome: 'unchanged', lines: [] };
    const hunks = unifiedHunks(
      before === undefined ? [] : linesOf(JSON.parse(before.json)),
      linesOf(toDocument(resource)),
    );
    const name = `${resource.kind}/${qualifiedName(resource)}`;
    const old = before === undefined ? '/dev/null' : `live/${name} (revision ${before.revision})`;
    const outcome = before === undefined ? 'created' : 'changed';
    return { resource, outcome, lines: [`--- ${old}`, `+++ new/${name}`, ...hunks] };
  });
}

function keyOf({ kind, namespace, name }: Pick<StoredResource, 'kind' | 'namespace' | 'name'>): string {
  return `${kind}/${namespace}/${name}`;
}

/** A resource as YAML, without what the control plane alone says of it. */
function linesOf(document: unknown): string[] {
  const { metadata, ...rest } = document as { metadata: Record<string, unknown> } & Record<string, unknown>;
  const { creationTimestamp: _, ...named } = metadata;
  const { spec, ...head } = rest;
  const text = renderYaml({ ...head, metadata: named, spec });
  return text.trimEnd().split('\n');
}

function renderDifferences(differences: readonly Difference[], palette: Palette): string {
  const hunks = differences.flatMap(({ lines }) => lines.map((line) => `${painter(line, palette)(printable(line))}\n`));
  const summary = differences.map(
    ({ resource, outcome }) => `${resource.kind} ${qualifiedName(resource)} ${phraseOf(outcome)}\n`,
  );
  return `${hunks.join('')}${hunks.length > 0 ? '\n' : ''}${summary.join('')}`;
}

function phraseOf(outcome: Difference['outcome']): string {
  return outcome === 'unchanged' ? 'is unchanged' : `would be ${outcome}`;
}

function painter(line: string, palette: Palette): (text: string) => string {
  if (line.startsWith('--- ') || line.startsWith('+++ ')) return palette.bold;
  if (line.startsWith('@@')) return palette.dim;
  if (line.startsWith('-')) return palette.bad;
  return line.startsWith('+') ? palette.good : (text) => text;
}
