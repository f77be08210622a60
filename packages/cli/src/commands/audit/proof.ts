import { RampartError } from '@rampart/core';
import { LedgerService } from '@rampart/wire';
import type { Command } from 'commander';
import { EXIT } from '../../exit-code.ts';
import { continuationProblems, openKept } from '../../ledger/continuation.ts';
import { type ContinuationProof, printContinuation } from '../../ledger/continuation-file.ts';
import { verifierKey } from '../../ledger/verifier-key.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { readText, writeText } from '../ca/files.ts';

interface ProofOptions {
  readonly from: string;
  readonly out?: string;
}

export function defineAuditProof(parent: Command, shell: Shell): void {
  parent
    .command('proof')
    .description('what proves to somebody else that nothing changed since a checkpoint, without this control plane')
    .requiredOption('--from <file>', 'a checkpoint that was kept')
    .option('--out <file>', 'write it to a new file (default: standard output)')
    .addHelpText(
      'after',
      examples([
        'rampart audit proof --from monday.checkpoint --out week.proof',
        'for: rampart audit verify --offline week.proof --from monday.checkpoint --key kept.vkey',
      ]),
    )
    .action((options: ProofOptions, command: Command) =>
      shell.run(command, (invocation) => writeProof(options, invocation)),
    );
}

async function writeProof({ from, out }: ProofOptions, { withService, io, note }: Invocation): Promise<number> {
  const text = await readText(from, io);
  const proof = await withService(LedgerService, async (client): Promise<ContinuationProof> => {
    const { verifierKey: told } = await client.getCheckpoint({ fresh: true });
    const key = verifierKey(told, 'the control plane');
    const kept = openKept(text, key, from);
    const { note: checkpoint, consistency: hashes } = await client.getCheckpoint({ since: BigInt(kept.size) });
    const { problems } = continuationProblems(kept, { first: kept.size, checkpoint, hashes }, key);
    if (problems.length === 0) return { first: kept.size, checkpoint, hashes };
    throw new RampartError('JOURNAL_INCONSISTENT', `this cannot be proven: ${problems.join('; ')}`);
  });
  await writeText(printContinuation(proof), out, io);
  note(`verify it with: rampart audit verify --offline ${out ?? 'FILE'} --from ${from} --key VKEY`);
  return EXIT.ok;
}
