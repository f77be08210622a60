import assert from 'node:assert/strict';
import { hash, randomInt } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { leafHash, MerkleTree, openCheckpoint, parseVerifierKey, verifyInclusion } from '@rampart/journal';
import { createCsr, generateKeyPair, parseCertificate, toPem } from '@rampart/spiffe';
import type { SvidResponse } from '@rampart/wire';
import { ended, type PlaneProcess, startProcess } from '../testing/plane-process.ts';
import { TestPlanes } from '../testing/test-plane.ts';
import { type ApiClient, connectAsAdmin, connectTo } from '../testing/workload-client.ts';

/** `RAMPART_CRASH_ROUNDS=200 node --test packages/server/src/ledger/issuance-crash.test.ts` for a long run. */
const ROUNDS = Number(process.env['RAMPART_CRASH_ROUNDS'] ?? 20);
const CALLERS = 6;
const MOST_ANSWERS = 40;
const LONGEST_DELAY_MS = 25;

/** A certificate that a caller holds. */
interface Held {
  readonly serial: string;
  readonly sha256: string;
}

/** What came before in the same data directory. */
interface Past {
  readonly held: Held[];
  /** Serials whose revocation was acknowledged. */
  readonly revoked: string[];
  readonly tree: MerkleTree;
  /** SHA-256 of the certificate by serial, of every issuance in the journal. */
  readonly issued: Map<string, string>;
  readonly inJournal: { readonly revoked: Set<string> };
}

describe(`a control plane that is killed while it issues, ${ROUNDS} times`, () => {
  const planes = new TestPlanes();

  beforeEach(() => planes.open());
  afterEach(() => planes.close());

  it('has every certificate that left it on record, and every record that it had', async (test) => {
    const past: Past = {
      held: [],
      revoked: [],
      tree: new MerkleTree(),
      issued: new Map(),
      inJournal: { revoked: new Set() },
    };
    let first: PlaneProcess | undefined = await startProcess(planes.dataDirectory);
    for (let round = 0; round < ROUNDS; round += 1) {
      const running = first ?? (await startProcess(planes.dataDirectory));
      first = undefined;
      if (round > 0) await judge(running, past);
      // Every other time it is killed at the moment in which a ledger entry becomes durable, before anybody is answered.
      await useUntilKilled(running, past, round % 2 === 0 ? afterAnswers() : atCommit(planes.dataDirectory));
      assert.deepEqual(unrecorded(planes.dataDirectory), [], `round ${round}`);
    }
    const last = await startProcess(planes.dataDirectory);
    await judge(last, past);
    last.child.kill('SIGTERM');
    test.diagnostic(
      `${past.held.length} certificates answered, ${past.issued.size} in the ledger, ${past.tree.size} entries`,
    );
    await ended(last.child);
    assert.ok(past.held.length >= ROUNDS);
  });
});

/** Resolves when the process is to be killed; hears of every answer. */
interface Trigger {
  readonly due: Promise<void>;
  answered(): void;
}

function afterAnswers(): Trigger {
  const { promise: due, resolve } = Promise.withResolvers<void>();
  let left = randomInt(1, MOST_ANSWERS);
  return {
    due,
    answered: () => {
      left -= 1;
      if (left === 0) setTimeout(resolve, randomInt(LONGEST_DELAY_MS));
    },
  };
}

/** Looks at the database until an issuance is in it that was not there before. */
function atCommit(dataDirectory: string): Trigger {
  const database = new DatabaseSync(join(dataDirectory, 'rampart.db'), { readOnly: true });
  const count = database.prepare(
    `SELECT count(*) AS n FROM journal_entries WHERE stream = 'ledger' AND kind = 'CERTIFICATE_ISSUED'`,
  );
  const issued = (): number => Number(count.get()?.['n']);
  const until = issued() + randomInt(1, MOST_ANSWERS);
  const { promise: due, resolve } = Promise.withResolvers<void>();
  const look = (): void => {
    if (issued() < until) return void setImmediate(look);
    database.close();
    resolve();
  };
  look();
  return { due, answered: () => undefined };
}

async function useUntilKilled({ child, plane }: PlaneProcess, past: Past, trigger: Trigger): Promise<void> {
  const admin = connectAsAdmin(plane);
  const anyone = connectTo(plane);
  const clients = [admin, anyone];
  const answered = (response: SvidResponse): Held => {
    const held = heldOf(response);
    past.held.push(held);
    trigger.answered();
    return held;
  };
  const work = Array.from({ length: CALLERS }, async (_, caller) => {
    for (;;) {
      const { token } = await admin.admin.createJoinToken({
        workload: { namespace: 'default', serviceAccount: `w${caller}`, service: '' },
      });
      const keyPair = generateKeyPair();
      const evidence = { case: 'joinToken', value: token } as const;
      const response = await anyone.identity.attest({ evidence, csr: createCsr(keyPair) });
      const { serial } = answered(response);
      const certificate = response.chain.map((der) => toPem(der)).join('');
      const own = connectTo(plane, { credentials: { certificate, key: keyPair.privateKeyPem() } });
      clients.push(own);
      answered(await own.identity.renew({ csr: createCsr(generateKeyPair()) }));
      await admin.admin.revokeCertificate({ serial, reason: 'test' });
      past.revoked.push(serial);
    }
  });
  try {
    // A caller that fails before that says why.
    await Promise.race([trigger.due, Promise.all(work)]);
  } finally {
    child.kill('SIGKILL');
    await Promise.allSettled(work);
    await ended(child);
    for (const client of clients) client.close();
  }
}

/** What the next start says of everything that was answered by then. */
async function judge({ plane }: PlaneProcess, past: Past): Promise<void> {
  const admin = connectAsAdmin(plane);
  try {
    await readOn(admin, past);
    assert.deepEqual(withoutRecord(plane.dataDirectory), []);
    for (const { serial, sha256 } of past.held) assert.equal(past.issued.get(serial), sha256, `certificate ${serial}`);
    for (const serial of past.revoked) assert.ok(past.inJournal.revoked.has(serial), `revocation of ${serial}`);
    const newest = past.held.at(-1);
    if (newest !== undefined) await prove(admin, newest.serial);
  } finally {
    admin.close();
  }
}

/** Recomputes the journal from where it was left the last time: had an older entry changed, the root would be another one. */
async function readOn({ ledger }: ApiClient, { tree, issued, inJournal }: Past): Promise<void> {
  const { note, verifierKey } = await ledger.getCheckpoint({ fresh: true });
  const checkpoint = opened(note, verifierKey);
  const pages = ledger.readJournal({ after: BigInt(tree.size), upTo: BigInt(checkpoint.size) });
  for await (const { entries } of pages) {
    for (const { sequence, kind, stream, body } of entries) {
      assert.equal(Number(sequence), tree.size + 1);
      tree.add(leafHash(body));
      if (stream !== 'ledger') continue;
      const fields = JSON.parse(body) as { readonly serial: string; readonly certificate_sha256: string };
      if (kind === 'CERTIFICATE_ISSUED') issued.set(fields.serial, fields.certificate_sha256);
      if (kind === 'CERTIFICATE_REVOKED') inJournal.revoked.add(fields.serial);
    }
  }
  assert.deepEqual([tree.size, tree.root], [checkpoint.size, checkpoint.root]);
}

async function prove({ ledger }: ApiClient, serial: string): Promise<void> {
  const { certificate, entries } = await ledger.getCertificateRecord({ serial });
  assert.equal(certificate?.serial, serial);
  const proven = await ledger.proveEntries({ sequences: entries.map(({ sequence }) => sequence) });
  const { size, root } = opened(proven.checkpoint, proven.verifierKey);
  for (const { entry, path } of proven.entries) {
    const proof = { index: Number(entry?.sequence) - 1, size, hashes: path };
    assert.ok(verifyInclusion(proof, leafHash(entry?.body ?? ''), root));
  }
}

function opened(note: string, verifierKey: string): { readonly size: number; readonly root: string } {
  const key = parseVerifierKey(verifierKey);
  assert.ok(key.ok);
  const checkpoint = openCheckpoint(note, key.value);
  assert.ok(checkpoint.ok);
  return checkpoint.value;
}

/** Certificates on record, as the dead process left them, that the ledger does not have under their sequence. */
function unrecorded(dataDirectory: string): unknown[] {
  const database = new DatabaseSync(join(dataDirectory, 'rampart.db'));
  try {
    return database
      .prepare(
        `SELECT c.serial FROM certificates c LEFT JOIN journal_entries e ON e.sequence = c.sequence
         WHERE e.kind IS NOT 'CERTIFICATE_ISSUED' OR json_extract(e.body, '$.serial') <> c.serial`,
      )
      .all();
  } finally {
    database.close();
  }
}

/** Issuances of the ledger that are not on record. */
function withoutRecord(dataDirectory: string): unknown[] {
  const database = new DatabaseSync(join(dataDirectory, 'rampart.db'), { readOnly: true });
  try {
    return database
      .prepare(
        `SELECT e.sequence FROM journal_entries e LEFT JOIN certificates c ON e.sequence = c.sequence
         WHERE e.stream = 'ledger' AND e.kind = 'CERTIFICATE_ISSUED' AND c.serial IS NULL`,
      )
      .all();
  } finally {
    database.close();
  }
}

function heldOf({ chain: [leaf = new Uint8Array()] }: SvidResponse): Held {
  const parsed = parseCertificate(leaf);
  assert.ok(parsed.ok);
  return { serial: parsed.value.serial, sha256: hash('sha256', leaf, 'hex') };
}
