import type { Client } from '@connectrpc/connect';
import { RampartError } from '@rampart/core';
import { EXPIRY_KIND, leafHash, openCheckpoint, readExpiry, verifyInclusion, type VerifierKey } from '@rampart/journal';
import { LedgerService, type RecordedEntry } from '@rampart/wire';
import { type Command, InvalidArgumentError } from 'commander';
import { EXIT } from '../../exit-code.ts';
import { entryFields, textField } from '../../ledger/entry-fields.ts';
import { KEY_FROM_THERE, readVerifierKey, verifierKey } from '../../ledger/verifier-key.ts';
import { printable } from '../../render/text.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';

type LedgerClient = Client<typeof LedgerService>;

export function defineAuditShow(parent: Command, shell: Shell): void {
  parent
    .command('show')
    .argument('<sequence>', 'number of an entry of the journal', parseSequence)
    .description('one entry of the journal, and that it is in what was signed; of one that expired, by which record')
    .option('--key <vkey>', 'verifier key, or the file that holds it (default: what the control plane says)')
    .addHelpText('after', examples(['rampart audit show 17', 'the entry, recomputed here']))
    .action((sequence: number, options: { readonly key?: string }, command: Command) =>
      shell.run(command, (invocation) => show(sequence, options.key, invocation)),
    );
}

function parseSequence(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('write the number of an entry, 1 or more.');
  return Number(text);
}

/** Which record let an entry expire. */
interface Expiry {
  readonly by: number;
  readonly at: string;
  readonly days: number;
}

interface Shown {
  readonly entry: RecordedEntry;
  readonly isProven: boolean;
  readonly size: number;
  readonly expiry: Expiry | undefined;
}

async function show(sequence: number, given: string | undefined, invocation: Invocation): Promise<number> {
  const { withService, io, note } = invocation;
  const key = given === undefined ? undefined : await readVerifierKey(given, io);
  if (key === undefined) note(KEY_FROM_THERE);
  const shown = await withService(LedgerService, (client) => prove(client, sequence, key));
  const { entry, isProven, size, expiry } = shown;
  const record = entry.body === '' ? null : entryFields(entry.body);
  const isExplained = entry.body !== '' || expiry !== undefined;
  invocation.show({
    data: () => ({
      ...{ sequence, stream: entry.stream, kind: entry.kind, record, leaf_hash: entry.leafHash },
      ...{ expired: expiry ?? null, proven: isProven, checkpoint_size: size },
    }),
    table: () => tableOf(shown, invocation.palette),
  });
  return isProven && isExplained ? EXIT.ok : EXIT.no;
}

async function prove(client: LedgerClient, sequence: number, given: VerifierKey | undefined): Promise<Shown> {
  const answer = await client.proveEntries({ sequences: [BigInt(sequence)] });
  const key = given ?? verifierKey(answer.verifierKey, 'the control plane');
  const signed = openCheckpoint(answer.checkpoint, key);
  if (!signed.ok) {
    throw new RampartError('JOURNAL_INCONSISTENT', `the checkpoint is not to be trusted: ${signed.problem}`);
  }
  const [proven] = answer.entries;
  const { entry, path = [] } = proven ?? {};
  if (entry === undefined) throw new RampartError('NOT_FOUND', `there is no entry ${sequence}`);
  const { size, root } = signed.value;
  const leaf = entry.body === '' ? entry.leafHash : leafHash(entry.body);
  const isProven = verifyInclusion({ index: sequence - 1, size, hashes: path }, leaf, root);
  return { entry, isProven, size, expiry: entry.body === '' ? await expiryOf(client, entry, key) : undefined };
}

async function expiryOf(
  client: LedgerClient,
  { sequence, kind }: RecordedEntry,
  key: VerifierKey,
): Promise<Expiry | undefined> {
  const at = Number(sequence);
  // To its end: a stream that is left in the middle keeps the line open.
  let found: Expiry | undefined;
  for await (const { entries } of client.readJournal({ after: sequence, auditKind: EXPIRY_KIND })) {
    for (const entry of entries) {
      const said = readExpiry({ sequence: Number(entry.sequence), body: entry.body }, key);
      const types = said.ok ? said.value.expired : [];
      const type = types.find(({ sequences }) => sequences.some(([first, last]) => first <= at && at <= last));
      if (type?.event_type !== kind || !said.ok) continue;
      found ??= { by: Number(entry.sequence), at: new Date(said.value.at).toISOString(), days: type.days };
    }
  }
  return found;
}

function tableOf({ entry, isProven, size, expiry }: Shown, palette: Invocation['palette']): string {
  const { sequence, kind, stream, body, leafHash: hash } = entry;
  const fields = entryFields(body);
  const named = Object.keys(fields).filter((name) => !['sequence', 'event_type'].includes(name) && fields[name] !== '');
  const value = (name: string): string => {
    const held = fields[name];
    return typeof held === 'object' ? JSON.stringify(held) : textField(fields, name);
  };
  const gone =
    expiry === undefined
      ? palette.bad('its body is missing, and no record says that it expired')
      : `${expiry.at}, after ${expiry.days} days, by entry ${expiry.by}`;
  const rows: readonly (readonly [string, string])[] = [
    ['entry', `${sequence} of the ${stream === 'audit' ? 'audit record' : 'ledger'}`],
    ['type', kind],
    ...named.map((name) => [name, printable(value(name))] as const),
    ...(body === '' ? [['expired', gone] as const] : []),
    ['leaf hash', hash],
    [
      'proven',
      isProven
        ? palette.good(`in the ${size} entries that were signed`)
        : palette.bad(`not in the ${size} entries that were signed`),
    ],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `${name.padEnd(width)}  ${text}\n`).join('');
}
