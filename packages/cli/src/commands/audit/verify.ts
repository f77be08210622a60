import { RampartError } from '@rampart/core';
import type { Command } from 'commander';
import { EXIT } from '../../exit-code.ts';
import type { AuditFinding } from '../../ledger/audit-finding.ts';
import { KEY_FROM_THERE, readVerifierKey } from '../../ledger/verifier-key.ts';
import { printable } from '../../render/text.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { readText } from '../ca/files.ts';
import { verifyFile } from './verify-offline.ts';
import { verifyOnline } from './verify-online.ts';

const UNNOTICED =
  'if an older copy of the database was put back before that, nothing here shows it: hold the journal against a checkpoint that you kept (--from)';

interface VerifyOptions {
  readonly from?: string;
  readonly key?: string;
  readonly quick?: true;
  readonly offline?: string;
}

export function defineAuditVerify(parent: Command, shell: Shell): void {
  parent
    .command('verify')
    .description('recompute the whole journal here, and hold it against what was signed')
    .option('--from <file>', 'a checkpoint that you kept: nothing before it may have changed')
    .option('--key <vkey>', 'verifier key, or the file that holds it (default: what the control plane says)')
    .option('--quick', 'with --from: only prove that what was signed then is a beginning of what is signed now')
    .option(
      '--offline <file>',
      'check a file from "rampart audit export", or a proof from "rampart audit proof" (with --from); asks no control plane, needs --key',
    )
    .addHelpText(
      'after',
      examples(
        ['rampart audit verify', 'every entry against the signed checkpoint'],
        ['rampart audit verify --from monday.checkpoint --key kept.vkey', 'trusting nothing but what you kept'],
        ['rampart audit verify --offline week.proof --from monday.checkpoint --key kept.vkey', 'the same, anywhere'],
        ['rampart audit verify --offline record.journal --key kept.vkey', 'an exported journal, entry by entry'],
      ),
    )
    .addHelpText(
      'after',
      '\nBodies of records that expired are missing: each must be named by a signed RECORDS_EXPIRED record that they were old enough for.\n',
    )
    .action((options: VerifyOptions, command: Command) =>
      shell.run(command, (invocation) => verify(options, invocation)),
    );
}

async function verify(options: VerifyOptions, invocation: Invocation): Promise<number> {
  const { io, note } = invocation;
  const { from, quick, offline } = options;
  if (quick === true && from === undefined) {
    throw new RampartError('INVALID_ARGUMENT', '--quick proves from a checkpoint that you kept: name it with --from');
  }
  if (quick === true && offline !== undefined) {
    throw new RampartError('INVALID_ARGUMENT', '--quick asks the control plane, --offline asks nobody: choose one');
  }
  const key = options.key === undefined ? undefined : await readVerifierKey(options.key, io);
  const kept = from === undefined ? undefined : { file: from, text: await readText(from, io) };
  if (offline !== undefined) return report(await verifyFile(offline, { key, kept, io }), invocation);
  if (key === undefined) note(KEY_FROM_THERE);
  return report(await verifyOnline({ key, kept, quick: quick === true }, invocation), invocation);
}

function report(
  { problems, checkpoint, kept, key, entries, expired, gaps }: AuditFinding,
  { show, palette }: Invocation,
): number {
  const isSound = problems.length === 0;
  const gone = expired === 0 ? '' : ` (${expired} of them expired)`;
  const what = entries === 0 ? 'consistency proven' : `${entries} entries recomputed${gone}`;
  const warnings = gaps.map(({ text }) => printable(text));
  const warned = warnings.map((text) => `${palette.warn('warning')}: ${text}; ${UNNOTICED}\n`).join('');
  const since = kept === undefined ? '' : `, the first ${kept.size} as you kept them`;
  show({
    data: () => ({
      verified: isSound,
      problems,
      entries,
      expired,
      warnings,
      checkpoint: checkpoint ?? null,
      kept: kept ?? null,
      key: key.text,
    }),
    table: () =>
      isSound
        ? `${palette.good('verified')}: ${what}, ${checkpoint?.size ?? 0} signed by ${key.name}+${key.id}${since}\n${warned}`
        : problems.map((problem) => `${palette.bad('not verified')}: ${problem}\n`).join('') + warned,
  });
  return isSound ? EXIT.ok : EXIT.no;
}
