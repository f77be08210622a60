import type { Client } from '@connectrpc/connect';
import { type Checkpoint, openCheckpoint, type VerifierKey } from '@rampart/journal';
import { type AdminService, type Certificate, LedgerService } from '@rampart/wire';
import { lastSigned } from '../../ledger/last-signed.ts';
import { expiredSince, readJournal } from '../../ledger/read-journal.ts';
import { RecordCheck } from '../../ledger/record-check.ts';
import { verifierKey } from '../../ledger/verifier-key.ts';
import type { Invocation } from '../../shell.ts';

/** What came out of a verification. */
export interface Finding {
  readonly problems: readonly string[];
  readonly checkpoint: Checkpoint | undefined;
  readonly key: VerifierKey;
  /** What was verified: "certificate 5fd1c3", "31 certificates". */
  readonly subject: string;
  readonly entries: number;
}

type LedgerClient = Client<typeof LedgerService>;

const A_PAGE = 5000;
/** Named problems; more of them say no more. */
const MOST_PROBLEMS = 20;

/** Every certificate on record against the ledger, and every one of the ledger against the record: the whole journal is read. */
export async function verifyAll(
  given: VerifierKey | undefined,
  invocation: Invocation,
  readings = 3,
): Promise<Finding> {
  const { withAdmin, withService } = invocation;
  // First: what is on record is in the ledger before, so that nothing that happens meanwhile looks like a change.
  const records = await withAdmin(everyRecord);
  return withService(LedgerService, async (client): Promise<Finding> => {
    const answer = await lastSigned(client);
    const key = given ?? verifierKey(answer.verifierKey, 'the control plane');
    const subject = `${records.length} certificates`;
    const opened = openCheckpoint(answer.note, key);
    if (!opened.ok) {
      const problems = [`the checkpoint is not to be trusted: ${opened.problem}`];
      return { problems, checkpoint: undefined, key, subject, entries: 0 };
    }
    const checkpoint = opened.value;
    const ledger = new RecordCheck(Number(answer.at));
    const { size } = checkpoint;
    const journal = await readJournal(client, { upTo: size, sizes: [size], key, each: (entry) => ledger.add(entry) });
    journal.end(size);
    const mayBeLate = journal.problems.length > 0 && answer.refusal === undefined && readings > 1;
    if (mayBeLate && (await expiredSince(client, size))) return verifyAll(given, invocation, readings - 1);
    const problems = [...(answer.refusal === undefined ? [] : [answer.refusal]), ...journal.problems];
    if (problems.length === 0 && journal.root(checkpoint.size) !== checkpoint.root)
      problems.push(`the ${checkpoint.size} entries are not those that were signed; see: rampart audit verify`);
    const found = await recordsAgainst(ledger, records, client);
    return { problems: [...problems, ...found], checkpoint, key, subject, entries: journal.size };
  });
}

async function everyRecord(client: Client<typeof AdminService>): Promise<Certificate[]> {
  const records: Certificate[] = [];
  for (let before = 0n; ;) {
    const { certificates } = await client.listCertificates({ limit: A_PAGE, before });
    records.push(...certificates);
    if (certificates.length < A_PAGE) return records;
    before = certificates.at(-1)?.sequence ?? 0n;
  }
}

/** What looks wrong is asked for once more: it may have been issued or revoked while the journal was read. */
async function recordsAgainst(
  ledger: RecordCheck,
  records: readonly Certificate[],
  client: LedgerClient,
): Promise<string[]> {
  const suspects = records.flatMap((record) => (ledger.problemsOf(record).length === 0 ? [] : [record.serial]));
  const problems: string[] = [];
  for (const serial of [...suspects, ...ledger.missing()]) {
    const { certificate } = await client.getCertificateRecord({ serial });
    problems.push(...(certificate === undefined ? [ledger.goneText(serial)] : ledger.problemsOf(certificate)));
    if (problems.length >= MOST_PROBLEMS) return [...problems, 'there are more'];
  }
  return problems;
}
