import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ConnectError } from '@connectrpc/connect';
import { createCsr, fromPem, generateKeyPair, parseCertificate, type ParsedCertificate } from '@rampart/spiffe';
import type { CertificateAuthority } from '@rampart/wire';
import type { ControlPlane } from '../control-plane.ts';
import { FakeDataPlane } from '../testing/fake-data-plane.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { TestPlanes, until } from '../testing/test-plane.ts';
import { type ApiClient, attest, connectAsAdmin, connectTo } from '../testing/workload-client.ts';

const WORKLOAD = { namespace: 'default', serviceAccount: 'orders', service: 'orders-api' };
const REASON = 'key leaked';
const DAY = 24 * 3600 * 1000;

const planes = new TestPlanes();
let admin: ApiClient | undefined;
beforeEach(() => planes.open());
afterEach(async () => {
  admin?.close();
  await planes.close();
});

function operator(plane: ControlPlane): ApiClient['admin'] {
  admin = connectAsAdmin(plane);
  return admin.admin;
}

async function active(client: ApiClient['admin'], kind: string): Promise<CertificateAuthority> {
  const { authorities } = await client.listAuthorities({});
  const found = authorities.find((each) => each.kind === kind && each.state === 'active');
  assert.ok(found);
  return found;
}

function read(der: Uint8Array | undefined): ParsedCertificate {
  const parsed = parseCertificate(der ?? new Uint8Array());
  assert.ok(parsed.ok);
  return parsed.value;
}

async function renewalOf(client: ApiClient): Promise<ParsedCertificate> {
  const { chain } = await client.identity.renew({ csr: createCsr(generateKeyPair()) });
  return read(chain[1]);
}

describe('data planes hear of their authorities', () => {
  it('a tainted one has them renew at once, whether they are connected or come later', async () => {
    const plane = await planes.start();
    const client = operator(plane);
    const { credentials } = await attest(plane, WORKLOAD);
    const connected = new FakeDataPlane(connectTo(plane, { credentials })).connect();
    await until('the first snapshot', () => connected.received.length > 0);
    const { serial } = await active(client, 'intermediate');
    await client.taintAuthority({ serial, reason: REASON });
    await until('the word to rotate', () => connected.received.some(({ rotate }) => rotate));
    const later = new FakeDataPlane(connectTo(plane, { credentials })).connect({ id: 'plane-2' });
    await until('the same', () => later.received.some(({ rotate }) => rotate));
    const caller = connectTo(plane, { credentials });
    assert.notEqual((await renewalOf(caller)).serial, serial);
    caller.close();
    connected.kill();
    later.kill();
  });

  it('one that signs nothing of theirs is no reason to renew', async () => {
    const plane = await planes.start();
    const client = operator(plane);
    const { serial } = await active(client, 'intermediate');
    await client.prepareAuthority({ kind: 'intermediate' });
    await client.activateAuthority({ kind: 'intermediate' });
    const { credentials } = await attest(plane, WORKLOAD);
    const connected = new FakeDataPlane(connectTo(plane, { credentials })).connect();
    await until('the first snapshot', () => connected.received.length > 0);
    await client.taintAuthority({ serial, reason: REASON });
    await client.revokeAuthority({ serial, reason: REASON });
    await until('the revocation', () => connected.revoked.has(serial));
    assert.ok(!connected.received.some(({ rotate }) => rotate));
    assert.ok(!connected.ended);
    connected.kill();
  });

  it('a revoked one ends streams, refuses renewal, and everybody is told its key', async () => {
    const plane = await planes.start();
    const client = operator(plane);
    const { credentials, response } = await attest(plane, WORKLOAD);
    const old = new FakeDataPlane(connectTo(plane, { credentials })).connect();
    await until('the first snapshot', () => old.received.length > 0);
    const { serial } = await active(client, 'intermediate');
    await client.taintAuthority({ serial, reason: REASON });
    const renewed = await attest(plane, { ...WORKLOAD, serviceAccount: 'other' });
    const witness = new FakeDataPlane(connectTo(plane, renewed)).connect();
    await until('its first snapshot', () => witness.received.length > 0);
    await client.revokeAuthority({ serial, reason: REASON });
    await until('the end of the stream', () => old.ended);
    const caller = connectTo(plane, { credentials });
    await assert.rejects(renewalOf(caller), (error) => ConnectError.from(error).rawMessage.includes('is revoked'));
    caller.close();
    const keyId = Buffer.from(read(response.chain[1]).subjectKeyId ?? []).toString('hex');
    await until('the rule', () =>
      witness.received.some(({ revocationRules }) => revocationRules.some(({ issuerKeyId }) => issuerKeyId === keyId)),
    );
    assert.ok(!witness.ended);
    witness.kill();
  });

  it('a new root reaches them, the CA file and the door, before it signs', async () => {
    const plane = await planes.start();
    const client = operator(plane);
    const { credentials } = await attest(plane, WORKLOAD);
    const connected = new FakeDataPlane(connectTo(plane, { credentials })).connect();
    await until('the first snapshot', () => connected.received.length > 0);
    await client.prepareAuthority({ kind: 'root' });
    await until('two roots', () => connected.received.some(({ bundle }) => bundle?.roots.length === 2));
    const sequences = connected.received.flatMap(({ bundle }) => (bundle === undefined ? [] : [bundle.sequence]));
    assert.deepEqual(sequences, [1n, 2n]);
    await until('the CA file', async () => fromPem(await readFile(plane.caFile, 'utf8')).length === 2);
    connected.kill();
  });
});

describe('when the clock of the control plane jumps', () => {
  it('ahead by a year and back, door and authorities follow within a tick, both times', async () => {
    const clock = new ManualClock();
    const plane = await planes.start({ clock });
    const client = operator(plane);
    const first = await active(client, 'intermediate');
    admin?.close();
    clock.jump(400 * DAY);
    clock.advance(10_000);
    const answer = async (): Promise<string> => {
      const caller = connectAsAdmin(plane);
      return caller.admin
        .listAuthorities({})
        .then(
          () => 'well',
          (error: unknown) => ConnectError.from(error).rawMessage,
        )
        .finally(() => caller.close());
    };
    // The clock of the client did not jump.
    await until('a certificate of next year at the door', async () => /not yet valid/.test(await answer()));
    // And the twenty seconds by which the two ticks lead the client's clock.
    clock.jump(-400 * DAY - 20_000);
    clock.advance(10_000);
    await until('one of this year again', async () => (await answer()) === 'well');
    await attest(plane, WORKLOAD);
    const again = operator(plane);
    assert.equal((await active(again, 'intermediate')).serial, first.serial);
    const { authorities } = await again.listAuthorities({});
    assert.deepEqual(
      authorities.filter(({ kind }) => kind === 'intermediate').map(({ state }) => state),
      ['active', 'old'],
    );
  });
});
