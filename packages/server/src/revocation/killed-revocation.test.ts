import assert from 'node:assert/strict';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ended, startProcess } from '../testing/plane-process.ts';
import { TestPlanes } from '../testing/test-plane.ts';
import { type ApiClient, connectAsAdmin } from '../testing/workload-client.ts';

const ROUNDS = 3;
const AT_ONCE = 4;

/** Revocations of the ledger that are neither in force nor taken back there. */
async function undecided({ ledger, revocation }: ApiClient): Promise<string[]> {
  const { revocations } = await revocation.listRevocations({ limit: 10_000 });
  const decided = new Set(revocations.map(({ id }) => id));
  const recorded: string[] = [];
  for await (const { entries } of ledger.readJournal({})) {
    for (const { stream, kind, body } of entries) {
      const { revocation: id = '' } = stream === 'ledger' ? (JSON.parse(body) as { readonly revocation?: string }) : {};
      if (kind === 'REVOCATION_FAILED') decided.add(id);
      else if (id !== '') recorded.push(id);
    }
  }
  return recorded.filter((id) => !decided.has(id));
}

describe('revocations while the control plane is killed', () => {
  const planes = new TestPlanes();

  beforeEach(() => planes.open());
  afterEach(() => planes.close());

  function identity(round: number, index: number): string {
    return `spiffe://cluster.local/ns/default/sa/r${round}-${index}`;
  }

  /** Bars one identity after the other until the process is gone; gives those that were answered. */
  async function killWhileRevoking(round: number): Promise<string[]> {
    const { child, plane } = await startProcess(planes.dataDirectory);
    const client = connectAsAdmin(plane);
    const answered: string[] = [];
    const chain = async (first: number): Promise<void> => {
      for (let index = first; ; index += AT_ONCE) {
        const spiffeId = identity(round, index);
        await client.revocation.revoke({ spiffeId, bar: true });
        answered.push(spiffeId);
        if (answered.length === 5 + 3 * round) child.kill('SIGKILL');
      }
    };
    await Promise.allSettled(Array.from({ length: AT_ONCE }, (_, index) => chain(index)));
    // Where a call failed before, nobody has killed it.
    child.kill('SIGKILL');
    client.close();
    await ended(child);
    return answered;
  }

  it('none that was answered is lost, whatever becomes of the database', async () => {
    const before = `${planes.dataDirectory}.before`;
    const answered: string[] = [];
    await (await planes.start()).stop();
    await cp(join(planes.dataDirectory, 'rampart.db'), before);
    for (let round = 0; round < ROUNDS; round += 1) answered.push(...(await killWhileRevoking(round)));
    assert.ok(answered.length >= ROUNDS * 5);
    let plane = await planes.start();
    let client = connectAsAdmin(plane);
    const held = new Set((await client.revocation.listRevocations({ limit: 10_000 })).barred);
    assert.deepEqual(
      answered.filter((spiffeId) => !held.has(spiffeId)),
      [],
    );
    const recorded = (await client.admin.queryAudit({ eventType: 'IDENTITY_BARRED', limit: 10_000 })).records.length;
    assert.ok(recorded >= held.size);
    assert.deepEqual(await undecided(client), []);
    client.close();
    await plane.stop();
    for (const rest of ['', '-wal', '-shm']) await rm(join(planes.dataDirectory, `rampart.db${rest}`), { force: true });
    await cp(before, join(planes.dataDirectory, 'rampart.db'));
    plane = await planes.start();
    client = connectAsAdmin(plane);
    const { barred } = await client.revocation.listRevocations({});
    assert.deepEqual(new Set(barred), held);
    client.close();
  });
});
