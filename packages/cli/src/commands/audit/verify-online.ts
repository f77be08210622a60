import type { Client } from '@connectrpc/connect';
import { type Checkpoint, openCheckpoint, type VerifierKey } from '@rampart/journal';
import { LedgerService } from '@rampart/wire';
import {
  type AuditFinding,
  type JournalReadings,
  type KeptFile,
  NOTHING_READ,
  readingsOf,
} from '../../ledger/audit-finding.ts';
import { changedGroups } from '../../ledger/changed-groups.ts';
import { continuationProblems, openKept } from '../../ledger/continuation.ts';
import { lastSigned } from '../../ledger/last-signed.ts';
import { expiredSince, readJournal } from '../../ledger/read-journal.ts';
import { verifierKey } from '../../ledger/verifier-key.ts';
import type { Invocation } from '../../shell.ts';

type LedgerClient = Client<typeof LedgerService>;

export interface OnlineVerification {
  /** Whose signature counts; undefined for the key that the control plane names. */
  readonly key: VerifierKey | undefined;
  readonly kept: KeptFile | undefined;
  /** Proves only that the kept checkpoint is a beginning of the one of now. */
  readonly quick: boolean;
}

/** Records may expire while the journal is read; then it is read again. */
const MOST_READINGS = 3;

/** Holds the journal of a control plane against what was signed. */
export function verifyOnline(
  wanted: OnlineVerification,
  { withService }: Pick<Invocation, 'withService'>,
): Promise<AuditFinding> {
  return withService(LedgerService, async (client): Promise<AuditFinding> => {
    for (let reading = 1; ; reading += 1) {
      const finding = await verifyWith(client, wanted);
      const { problems, checkpoint, entries } = finding;
      if (problems.length === 0 || entries === 0 || checkpoint === undefined || reading === MOST_READINGS)
        return finding;
      if (!(await expiredSince(client, checkpoint.size))) return finding;
    }
  });
}

async function verifyWith(
  client: LedgerClient,
  { key: given, kept: file, quick }: OnlineVerification,
): Promise<AuditFinding> {
  const answer = quick ? { ...(await client.getCheckpoint({})), refusal: undefined } : await lastSigned(client);
  const key = given ?? verifierKey(answer.verifierKey, 'the control plane');
  const kept = file === undefined ? undefined : openKept(file.text, key, file.file);
  const opened = openCheckpoint(answer.note, key);
  const nothing = { kept, key, ...NOTHING_READ };
  if (!opened.ok) {
    const problems = [`the checkpoint is not to be trusted: ${opened.problem}`];
    return { ...nothing, problems, checkpoint: undefined };
  }
  const { refusal } = answer;
  const problems = kept === undefined || refusal !== undefined ? [] : await keptProblems(kept, { key, client });
  const signed = { ...nothing, checkpoint: opened.value };
  if (quick || problems.length > 0) return { ...signed, problems };
  return { ...signed, ...(await recompute({ checkpoint: opened.value, kept, key, refusal }, client)) };
}

async function keptProblems(
  kept: Checkpoint,
  { key, client }: { readonly key: VerifierKey; readonly client: LedgerClient },
): Promise<readonly string[]> {
  const { note: checkpoint, consistency: hashes } = await client.getCheckpoint({ since: BigInt(kept.size) });
  return continuationProblems(kept, { first: kept.size, checkpoint, hashes }, key).problems;
}

interface Signed extends Pick<AuditFinding, 'kept' | 'key'> {
  readonly checkpoint: Checkpoint;
  /** Why nothing newer is signed. */
  readonly refusal: string | undefined;
}

async function recompute(
  { checkpoint, kept, key, refusal }: Signed,
  client: LedgerClient,
): Promise<Pick<AuditFinding, 'problems'> & JournalReadings> {
  const sizes = [checkpoint.size, ...(kept === undefined ? [] : [kept.size])];
  // Where nothing more is signed, the reason may lie behind what was.
  const upTo = refusal === undefined ? checkpoint.size : 0;
  const check = await readJournal(client, { upTo, sizes, key });
  check.end(checkpoint.size);
  const problems = [...(refusal === undefined ? [] : [refusal]), ...check.problems];
  if (problems.length === 0 && check.root(checkpoint.size) !== checkpoint.root) {
    problems.push(...(await changedGroups(client, checkpoint.size, key)));
  }
  if (problems.length === 0 && kept !== undefined && check.root(kept.size) !== kept.root) {
    problems.push(`the first ${kept.size} entries are not those of the checkpoint that you kept`);
  }
  return { problems, ...readingsOf(check, kept) };
}
