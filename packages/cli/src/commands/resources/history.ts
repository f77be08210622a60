import type { AppliedResource, ListRevisionsResponse, ResourceRevision } from '@rampart/wire';
import type { Command } from 'commander';
import { parseLimit } from '../../arguments/number.ts';
import { EXIT } from '../../exit-code.ts';
import { renderTime } from '../../render/moment.ts';
import { resourceName } from '../../render/names.ts';
import { columnsOf, renderTable } from '../../render/table.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';

interface HistoryOptions {
  readonly limit: number;
}

const DEFAULT_LIMIT = 20;
const NAMED = 3;

export function defineHistory(parent: Command, shell: Shell): void {
  parent
    .command('history')
    .description('revisions that changed resources: when, who, what; "rampart apply --rollback" brings one back')
    .option('--limit <count>', `at most this many, the newest (default: ${DEFAULT_LIMIT})`, parseLimit, DEFAULT_LIMIT)
    .addHelpText(
      'after',
      examples(
        ['rampart history', 'the last changes'],
        ['rampart history --limit 1000 -o json', 'all that is known, for a script'],
      ),
    )
    .action((options: HistoryOptions, command: Command) =>
      shell.run(command, (invocation) => showHistory(options, invocation)),
    );
}

async function showHistory({ limit }: HistoryOptions, invocation: Invocation): Promise<number> {
  const history: Pick<ListRevisionsResponse, 'revisions' | 'oldest'> = await invocation.withAdmin((client) =>
    client.listRevisions({ limit }),
  );
  const { revisions, oldest } = history;
  if (revisions.length > 0 || invocation.globals.output !== 'table')
    invocation.show({
      data: () => ({ oldest: Number(oldest), revisions: revisions.map(revisionData) }),
      table: () => renderRevisions(revisions, invocation.io.stdout.columns),
    });
  if (revisions.length === 0) invocation.note('no resource was changed yet');
  if (oldest > 0n)
    invocation.note(`revisions before ${oldest} are compacted: ${oldest} is the oldest that can be brought back`);
  return EXIT.ok;
}

function renderRevisions(revisions: readonly ResourceRevision[], width: number | undefined): string {
  return renderTable(
    columnsOf('>REVISION', 'WHEN', 'WHO', 'ACTION', 'WHAT'),
    revisions.map(({ revision, at, actor, action, restored, changes }) => [
      String(revision),
      renderTime(Number(at)),
      actor,
      action === 'rollback' ? `rollback to ${restored}` : action,
      describe(changes),
    ]),
    { width },
  );
}

function describe(changes: readonly AppliedResource[]): string {
  const named = changes.slice(0, NAMED).map((change) => `${resourceName(change)} ${change.outcome}`);
  const more = changes.length - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function revisionData({ revision, at, actor, action, restored, changes }: ResourceRevision): object {
  return {
    revision: Number(revision),
    at: renderTime(Number(at)),
    actor,
    action,
    restored: Number(restored),
    changes: changes.map(({ kind, namespace, name, outcome }) => ({ kind, namespace, name, outcome })),
  };
}
