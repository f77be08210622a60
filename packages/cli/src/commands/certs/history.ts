import { LedgerService } from '@rampart/wire';
import type { Command } from 'commander';
import { parseLimit } from '../../arguments/number.ts';
import { parseIdentity } from '../../arguments/workload.ts';
import { EXIT } from '../../exit-code.ts';
import { entryData, entryTable } from '../../ledger/entry-rows.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';

interface HistoryOptions {
  readonly limit: number;
}

const DEFAULT_LIMIT = 1000;

export function defineCertsHistory(parent: Command, shell: Shell): void {
  parent
    .command('history')
    .description('every issuance, rotation and revocation of one identity, oldest first')
    .argument('<identity>', 'a SPIFFE ID or namespace/service-account')
    .option('--limit <count>', `the newest so many (default: ${DEFAULT_LIMIT})`, parseLimit, DEFAULT_LIMIT)
    .addHelpText('after', examples(['rampart certs history default/orders-api', 'what it held, and what became of it']))
    .action((identity: string, options: HistoryOptions, command: Command) =>
      shell.run(command, (invocation) => history(identity, options, invocation)),
    );
}

async function history(
  identity: string,
  { limit }: HistoryOptions,
  { withAdmin, withService, show, note, io }: Invocation,
): Promise<number> {
  const home = await withAdmin(async (client) => (await client.getStatus({})).trustDomain);
  const spiffeId = parseIdentity(identity, home);
  const { entries } = await withService(LedgerService, (client) => client.listIdentityHistory({ spiffeId, limit }));
  show({ data: () => entryData(entries), table: () => entryTable(entries, io.stdout.columns) });
  if (entries.length === 0) note(`nothing was ever issued to ${spiffeId}`);
  return EXIT.ok;
}
