import { type Checkpoint, openCheckpoint, type VerifierKey } from '@rampart/journal';
import { RampartError } from '@rampart/core';
import { LedgerService } from '@rampart/wire';
import type { Client } from '@connectrpc/connect';
import type { Command } from 'commander';
import { EXIT } from '../../exit-code.ts';
import { changedGroups } from '../../ledger/changed-groups.ts';
import { continuationProblems, openKept } from '../../ledger/continuation.ts';
import { parseContinuation } from '../../ledger/continuation-file.ts';
import { JournalCheck } from '../../ledger/journal-check.ts';
import { lastSigned } from '../../ledger/last-signed.ts';
import { readVerifierKey, verifierKey } from '../../ledger/verifier-key.ts';
import type { Io } from '../../io.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { readText } from '../ca/files.ts';

interface VerifyOptions {
  readonly from?: string;
  readonly key?: string;
  readonly quick?: true;
  readonly offline?: string;
}

type LedgerClient = Client<typeof LedgerService>;

/** A journal of millions of entries takes minutes to come over the line. */
const LONGEST_READ_MS = 3_600_000;

export function defineAuditVerify(parent: Command, shell: Shell): void {
  parent
    .command('verify')
    .description('recompute the whole journal here, and hold it against what was signed')
    .option('--from <file>', 'a checkpoint that you kept: nothing before it may have changed')
    .option('--key <vkey>', 'verifier key, or the file that holds it (default: what the control plane says)')
    .option('--quick', 'with --from: only prove that what was signed then is a beginning of what is signed now')
    .option(
      '--offline <file>',
      'check a proof from "rampart audit proof"; asks no control plane, needs --from and --key',
    )
    .addHelpText(
      'after',
      examples(
        ['rampart audit verify', 'every entry against the signed checkpoint'],
        ['rampart audit verify --from monday.checkpoint --key kept.vkey', 'trusting nothing but what you kept'],
        ['rampart audit verify --offline week.proof --from monday.checkpoint --key kept.vkey', 'the same, anywhere'],
      ),
    )
    .action((options: VerifyOptions, command: Command) =>
      shell.run(command, (invocation) => verify(options, invocation)),
    );
}

interface Finding {
  readonly problems: readonly string[];
  readonly checkpoint: Checkpoint | undefined;
  readonly kept: Checkpoint | undefined;
  readonly key: VerifierKey;
  /** Recomputed here. */
  readonly entries: number;
}

async function verify(options: VerifyOptions, invocation: Invocation): Promise<number> {
  const { io, note, withService } = invocation;
  if (options.quick === true && options.from === undefined) {
    throw new RampartError('INVALID_ARGUMENT', '--quick proves from a checkpoint that you kept: name it with --from');
  }
  const given = options.key === undefined ? undefined : await readVerifierKey(options.key, io);
  const { offline } = options;
  if (offline !== undefined) return report(await verifyFile(offline, { options, given, io }), invocation);
  if (given === undefined)
    note('the key is what the control plane says; keep "rampart audit key" and give it with --key');
  const text = options.from === undefined ? undefined : await readText(options.from, io);
  const finding = await withService(LedgerService, async (client): Promise<Finding> => {
    const answer =
      options.quick === true ? { ...(await client.getCheckpoint({})), refusal: undefined } : await lastSigned(client);
    const key = given ?? verifierKey(answer.verifierKey, 'the control plane');
    const kept = text === undefined ? undefined : openKept(text, key, options.from ?? '');
    const opened = openCheckpoint(answer.note, key);
    if (!opened.ok) {
      const problems = [`the checkpoint is not to be trusted: ${opened.problem}`];
      return { problems, checkpoint: undefined, kept, key, entries: 0 };
    }
    const { refusal } = answer;
    const signed = { checkpoint: opened.value, kept, key, refusal };
    const problems = kept === undefined || refusal !== undefined ? [] : await keptProblems(kept, { key, client });
    if (options.quick === true || problems.length > 0) return { ...signed, problems, entries: 0 };
    return { ...signed, ...(await recompute(signed, client)) };
  });
  return report(finding, invocation);
}

async function keptProblems(
  kept: Checkpoint,
  { key, client }: { readonly key: VerifierKey; readonly client: LedgerClient },
): Promise<readonly string[]> {
  const { note: checkpoint, consistency: hashes } = await client.getCheckpoint({ since: BigInt(kept.size) });
  return continuationProblems(kept, { first: kept.size, checkpoint, hashes }, key).problems;
}

/** What a file proves, with what the reader kept. */
async function verifyFile(
  file: string,
  { options, given, io }: { readonly options: VerifyOptions; readonly given: VerifierKey | undefined; readonly io: Io },
): Promise<Finding> {
  if (given === undefined || options.from === undefined) {
    throw new RampartError(
      'INVALID_ARGUMENT',
      '--offline asks nobody: say with --key whose signature counts, and with --from which checkpoint you kept',
    );
  }
  const proof = parseContinuation(await readText(file, io));
  if (!proof.ok) throw new RampartError('INVALID_ARGUMENT', `${file}: ${proof.problem}`);
  const kept = openKept(await readText(options.from, io), given, options.from);
  return { ...continuationProblems(kept, proof.value, given), kept, key: given, entries: 0 };
}

async function recompute(
  {
    checkpoint,
    kept,
    key,
    refusal,
  }: Omit<Finding, 'problems' | 'entries' | 'checkpoint'> & {
    readonly checkpoint: Checkpoint;
    readonly refusal: string | undefined;
  },
  client: LedgerClient,
): Promise<Pick<Finding, 'problems' | 'entries'>> {
  const check = new JournalCheck([checkpoint.size, ...(kept === undefined ? [] : [kept.size])]);
  // Where nothing more is signed, the reason may lie behind what was.
  const upTo = refusal === undefined ? BigInt(checkpoint.size) : 0n;
  const pages = client.readJournal({ upTo }, { timeoutMs: LONGEST_READ_MS });
  for await (const { entries } of pages) for (const entry of entries) check.add(entry);
  check.end(checkpoint.size);
  const problems = [...(refusal === undefined ? [] : [refusal]), ...check.problems];
  if (problems.length === 0 && check.root(checkpoint.size) !== checkpoint.root) {
    problems.push(...(await changedGroups(client, checkpoint.size, key)));
  }
  if (problems.length === 0 && kept !== undefined && check.root(kept.size) !== kept.root) {
    problems.push(`the first ${kept.size} entries are not those of the checkpoint that you kept`);
  }
  return { problems, entries: check.size };
}

function report({ problems, checkpoint, kept, key, entries }: Finding, { show, palette }: Invocation): number {
  const isSound = problems.length === 0;
  const what = entries === 0 ? 'consistency proven' : `${entries} entries recomputed`;
  const since = kept === undefined ? '' : `, the first ${kept.size} as you kept them`;
  show({
    data: () => ({
      verified: isSound,
      problems,
      entries,
      checkpoint: checkpoint ?? null,
      kept: kept ?? null,
      key: key.text,
    }),
    table: () =>
      isSound
        ? `${palette.good('verified')}: ${what}, ${checkpoint?.size ?? 0} signed by ${key.name}+${key.id}${since}\n`
        : problems.map((problem) => `${palette.bad('not verified')}: ${problem}\n`).join(''),
  });
  return isSound ? EXIT.ok : EXIT.no;
}
