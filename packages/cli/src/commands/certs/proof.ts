import { RampartError } from '@rampart/core';
import { LedgerService } from '@rampart/wire';
import type { Command } from 'commander';
import { parseSerial } from '../../arguments/serial.ts';
import { EXIT } from '../../exit-code.ts';
import { type CertificateProof, checkProof, proofOf } from '../../ledger/certificate-proof.ts';
import { printProof } from '../../ledger/proof-file.ts';
import { verifierKey } from '../../ledger/verifier-key.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { writeText } from '../ca/files.ts';

/** A proof as the control plane gives it, and the key that it says it is signed with. */
export interface FetchedProof {
  readonly proof: CertificateProof;
  readonly verifierKey: string;
}

export function defineCertsProof(parent: Command, shell: Shell): void {
  parent
    .command('proof')
    .description('what proves the record of a certificate to somebody else, without this control plane')
    .argument('<serial>', 'serial number in hexadecimal, as "rampart certs list" shows it')
    .option('--out <file>', 'write it to a new file (default: standard output)')
    .addHelpText(
      'after',
      examples(
        ['rampart certs proof 5fd1c3 --out 5fd1c3.proof', 'for an auditor'],
        ['rampart certs verify --offline 5fd1c3.proof --key VKEY', 'what the auditor does with it'],
      ),
    )
    .action((serial: string, options: { readonly out?: string }, command: Command) =>
      shell.run(command, (invocation) => writeProof(parseSerial(serial), options.out, invocation)),
    );
}

/** The proof of everything on record about a certificate. Throws NOT_FOUND where there is nothing. */
export async function fetchProof(serial: string, { withService }: Invocation): Promise<FetchedProof> {
  return withService(LedgerService, async (client) => {
    const { entries } = await client.getCertificateRecord({ serial });
    if (entries.length === 0) {
      throw new RampartError(
        'NOT_FOUND',
        `no certificate with the serial ${serial} is in the ledger; "rampart certs list" lists them`,
      );
    }
    const answer = await client.proveEntries({ sequences: entries.map(({ sequence }) => sequence) });
    return { proof: proofOf(serial, answer), verifierKey: answer.verifierKey };
  });
}

async function writeProof(serial: string, out: string | undefined, invocation: Invocation): Promise<number> {
  const fetched = await fetchProof(serial, invocation);
  const key = verifierKey(fetched.verifierKey, 'the control plane');
  const { problems, checkpoint } = checkProof(fetched.proof, key);
  if (problems.length > 0 || checkpoint === undefined) {
    throw new RampartError('JOURNAL_INCONSISTENT', `this cannot be proven: ${problems.join('; ')}`);
  }
  await writeText(printProof(fetched.proof), out, invocation.io);
  invocation.note(
    `${fetched.proof.entries.length} entries in the journal of ${checkpoint.size}; verify it with the key ${key.text}`,
  );
  return EXIT.ok;
}
