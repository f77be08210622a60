import type { ServiceImpl } from '@connectrpc/connect';
import { RampartError } from '@rampart/core';
import type { JournalEntry } from '@rampart/journal';
import type { LedgerService } from '@rampart/wire';
import type { Ledger } from '../../ledger/ledger.ts';
import { limitOf, operatorOf } from './admin/admin-parts.ts';
import { certificateMessage } from './admin/identity-methods.ts';

const HISTORY = { standard: 1000, most: 10_000 };
const MOST_PROOFS = 1000;

/** What is on record of certificates, with the proof of it, for operators and auditors. */
export function createLedgerService(ledger: Ledger): ServiceImpl<typeof LedgerService> {
  return {
    getCheckpoint: async ({ fresh, since }, context) => {
      operatorOf(context);
      const checkpoint = await ledger.checkpoint({ fresh });
      return {
        note: checkpoint.note,
        verifierKey: ledger.verifierKey,
        at: BigInt(checkpoint.at),
        consistency: [...(await ledger.consistency(Number(since), checkpoint))],
      };
    },
    getCertificateRecord: async ({ serial }, context) => {
      operatorOf(context);
      if (serial === '') {
        throw new RampartError('INVALID_ARGUMENT', 'serial is missing: take it from the list of certificates');
      }
      const { certificate, entries } = await ledger.certificate(serial);
      return {
        ...(certificate === undefined ? {} : { certificate: certificateMessage(certificate) }),
        entries: entries.map(entryMessage),
      };
    },
    listIdentityHistory: async ({ spiffeId, limit }, context) => {
      operatorOf(context);
      if (spiffeId === '') throw new RampartError('INVALID_ARGUMENT', 'spiffe_id is missing: say whose history it is');
      return { entries: (await ledger.history(spiffeId, limitOf(limit, HISTORY))).map(entryMessage) };
    },
    proveEntries: async ({ sequences }, context) => {
      operatorOf(context);
      if (sequences.length > MOST_PROOFS) {
        throw new RampartError('INVALID_ARGUMENT', `sequences: at most ${MOST_PROOFS} entries are proven at once`);
      }
      const { checkpoint, entries } = await ledger.prove(sequences.map(Number));
      return {
        checkpoint: checkpoint.note,
        verifierKey: ledger.verifierKey,
        entries: entries.map(({ entry, proof }) => ({ entry: entryMessage(entry), path: [...proof.hashes] })),
      };
    },
    recordBackup: async ({ manifest }, context) => {
      const { sequence } = await ledger.recordBackup(manifest, operatorOf(context));
      return { sequence: BigInt(sequence) };
    },
    async *readJournal({ after, upTo, auditKind }, context) {
      operatorOf(context);
      for await (const page of ledger.pages(Number(after), Number(upTo), auditKind)) {
        if (context.signal.aborted) return;
        yield { entries: page.map(entryMessage) };
      }
    },
  };
}

function entryMessage({ sequence, stream, kind, body, leafHash }: JournalEntry): {
  sequence: bigint;
  stream: string;
  kind: string;
  body: string;
  leafHash: string;
} {
  return { sequence: BigInt(sequence), stream, kind, body, leafHash };
}
