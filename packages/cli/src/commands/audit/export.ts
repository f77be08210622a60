import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Client } from '@connectrpc/connect';
import { RampartError } from '@rampart/core';
import { openCheckpoint } from '@rampart/journal';
import { LedgerService } from '@rampart/wire';
import type { Command } from 'commander';
import { EXIT } from '../../exit-code.ts';
import { printEntry, printJournalHead } from '../../ledger/journal-file.ts';
import { expiredSince } from '../../ledger/read-journal.ts';
import { verifierKey } from '../../ledger/verifier-key.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';

/** A journal of millions of entries takes minutes to come over the line. */
const LONGEST_READ_MS = 3_600_000;

export function defineAuditExport(parent: Command, shell: Shell): void {
  parent
    .command('export')
    .description('the whole journal in a file, to be kept elsewhere and verified without this control plane')
    .requiredOption('--out <file>', 'a new file: JSON, one entry a line, under the signed checkpoint')
    .addHelpText(
      'after',
      examples(
        ['rampart audit export --out record.journal', 'everything that is on record, as it was hashed'],
        ['rampart audit verify --offline record.journal --key kept.vkey', 'verify it, anywhere'],
      ),
    )
    .action((options: { readonly out: string }, command: Command) =>
      shell.run(command, (invocation) => exportJournal(options.out, invocation)),
    );
}

async function exportJournal(out: string, { withService, io, note }: Invocation): Promise<number> {
  const path = resolve(io.workingDirectory, out);
  const count = await withService(LedgerService, async (client) => {
    for (;;) {
      const size = await writeExport(client, await newFile(path, out)).catch(async (error: unknown) => {
        await rm(path, { force: true });
        throw error;
      });
      // Records that expired meanwhile are gone without the word that lets them go.
      if (!(await expiredSince(client, size))) return size;
      await rm(path);
    }
  });
  note(`${count} entries, in ${out}; verify it with: rampart audit verify --offline ${out} --key VKEY`);
  return EXIT.ok;
}

async function writeExport(client: Client<typeof LedgerService>, file: NewFile): Promise<number> {
  try {
    const { note: checkpoint, verifierKey: key } = await client.getCheckpoint({ fresh: true });
    const opened = openCheckpoint(checkpoint, verifierKey(key, 'the control plane'));
    if (!opened.ok) {
      throw new RampartError('JOURNAL_INCONSISTENT', `the checkpoint is not to be trusted: ${opened.problem}`);
    }
    await file.write(printJournalHead(checkpoint));
    const upTo = BigInt(opened.value.size);
    for await (const { entries } of client.readJournal({ upTo }, { timeoutMs: LONGEST_READ_MS })) {
      await file.write(entries.map(printEntry).join(''));
    }
    return opened.value.size;
  } finally {
    await file.end();
  }
}

interface NewFile {
  write(text: string): Promise<void>;
  end(): Promise<void>;
}

/** For its owner only: the record says who calls whom. */
async function newFile(path: string, name: string): Promise<NewFile> {
  const stream = createWriteStream(path, { flags: 'wx', mode: 0o600 });
  try {
    await once(stream, 'open');
  } catch (cause) {
    const isThere = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
    throw isThere
      ? new RampartError('ALREADY_EXISTS', `${name} is there already; name another file`)
      : new RampartError('INVALID_ARGUMENT', `cannot write ${name}; check its directory`, { cause });
  }
  return {
    write: async (text) => {
      if (text !== '' && !stream.write(text)) await once(stream, 'drain');
    },
    end: async () => {
      stream.end();
      await once(stream, 'finish');
    },
  };
}
