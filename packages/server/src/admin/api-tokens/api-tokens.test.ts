import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Code, ConnectError } from '@connectrpc/connect';
import type { ControlPlane } from '../../control-plane.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import { TestPlanes, until } from '../../testing/test-plane.ts';
import { type ApiClient, connectAsAdmin, connectTo } from '../../testing/workload-client.ts';

describe('short-lived tokens of the API', () => {
  const planes = new TestPlanes();
  let clock: ManualClock;
  let plane: ControlPlane;
  let admin: ApiClient;

  beforeEach(async () => {
    await planes.open();
    clock = new ManualClock();
    plane = await planes.start({ clock });
    admin = planes.keep(connectAsAdmin(plane));
  });

  afterEach(() => planes.close());

  const as = (token: string): ApiClient => planes.keep(connectTo(plane, { token }));

  interface Made {
    readonly token: string;
    readonly id: string;
    readonly client: ApiClient;
  }

  const make = async (role: string, ttlSeconds = 600, name = 'ann'): Promise<Made> => {
    const { token, description } = await admin.tokens.createApiToken({ name, role, ttlSeconds });
    return { token, id: description?.id ?? '', client: as(token) };
  };

  /** "OK" or the code of the refusal. */
  const outcome = async (call: Promise<unknown>): Promise<string> =>
    call.then(
      () => 'OK',
      (error: unknown) => Code[ConnectError.from(error).code] ?? '',
    );

  const CALLS: Readonly<Record<string, (client: ApiClient) => Promise<unknown>>> = {
    status: ({ admin: api }) => api.getStatus({}),
    audit: ({ admin: api }) => api.queryAudit({}),
    apply: ({ admin: api }) => api.apply({ document: '', file: 'f' }),
    revoke: ({ admin: api }) => api.revokeCertificate({ serial: 'ff', reason: 'r' }),
    join: ({ admin: api }) =>
      api.createJoinToken({ workload: { namespace: 'default', serviceAccount: 'web', service: '', labels: {} } }),
    mint: ({ trust }) => trust.mintJwtSvid({ spiffeId: 'spiffe://cluster.local/a', audiences: ['b'] }),
    bundle: ({ trust }) => trust.getTrustBundle({}),
    tokens: ({ tokens }) => tokens.createApiToken({ name: 'eve', role: 'admin' }),
    list: ({ tokens }) => tokens.listApiTokens({}),
  };
  const ALLOWED = {
    admin: Object.keys(CALLS),
    viewer: ['status', 'audit', 'bundle'],
    enroller: ['status', 'join', 'bundle'],
  } as const;
  for (const [role, allowed] of Object.entries(ALLOWED)) {
    it(`${role} may call ${allowed.join(', ')} and nothing else`, async () => {
      const { client } = await make(role);
      for (const [name, call] of Object.entries(CALLS)) {
        const expected = (allowed as readonly string[]).includes(name) ? 'OK' : 'PermissionDenied';
        assert.equal(await outcome(call(client)), expected, name);
      }
    });
  }

  it('end with their time', async () => {
    const { client } = await make('admin', 60);
    assert.equal(await outcome(client.admin.getStatus({})), 'OK');
    clock.advance(59_999);
    assert.equal(await outcome(client.admin.getStatus({})), 'OK');
    clock.advance(1);
    assert.equal(await outcome(client.admin.getStatus({})), 'Unauthenticated');
  });

  it('live less than an hour, 15 minutes unless told otherwise', async () => {
    for (const ttlSeconds of [3600, 86_400, 9]) {
      assert.equal(
        await outcome(admin.tokens.createApiToken({ name: 'a', role: 'admin', ttlSeconds })),
        'InvalidArgument',
      );
    }
    const { description } = await admin.tokens.createApiToken({ name: 'a', role: 'admin' });
    assert.equal(Number(description?.expiresAt) - Number(description?.createdAt), 900_000);
    assert.equal(await outcome(make('admin', 3599)), 'OK');
  });

  for (const [rule, change] of [
    ['no name', { name: '' }],
    ['a name with a space', { name: 'a b' }],
    ['a long name', { name: 'a'.repeat(64) }],
    ['a role that is none', { role: 'root' }],
    ['a role of prototypes', { role: 'constructor' }],
    ['no role', { role: '' }],
  ] as const) {
    it(`are not made with ${rule}`, async () => {
      const call = admin.tokens.createApiToken({ name: 'ann', role: 'viewer', ...change });
      assert.equal(await outcome(call), 'InvalidArgument');
    });
  }

  it('are refused in any other form, and by no part of themselves', async () => {
    const { token, id } = await make('admin');
    const wrong = [
      id,
      `rampart-api-${id}`,
      token.slice(0, -1),
      `${token}A`,
      token.toUpperCase(),
      `rampart-api-${'0'.repeat(16)}.${'A'.repeat(43)}`,
    ];
    for (const text of wrong) assert.equal(await outcome(as(text).admin.getStatus({})), 'Unauthenticated', text);
  });

  it('are kept as hashes only, in the database and on the audit record', async () => {
    const { token, id } = await make('viewer');
    const { records } = await admin.admin.queryAudit({});
    const secret = token.split('.')[1] ?? '';
    assert.ok(records.some((record) => record.includes('API_TOKEN_CREATED') && record.includes(id)));
    assert.ok(!records.join('').includes(secret));
    await plane.stop();
    let hash = false;
    for (const file of await readdir(planes.dataDirectory)) {
      if (!file.startsWith('rampart.db')) continue;
      const bytes = readFileSync(join(planes.dataDirectory, file));
      assert.ok(!bytes.includes(secret), file);
      hash ||= bytes.includes(createHash('sha256').update(token).digest('hex'));
    }
    assert.ok(hash, 'the canary: the hash is there');
  });

  it('are there after a restart, and those that were revoked are not', async () => {
    const [kept, gone] = [await make('viewer', 600, 'kept'), await make('viewer', 600, 'gone')];
    await admin.tokens.revokeApiToken({ id: gone.id });
    await plane.stop();
    plane = await planes.start({ clock });
    assert.equal(await outcome(as(kept.token).admin.getStatus({})), 'OK');
    assert.equal(await outcome(as(gone.token).admin.getStatus({})), 'Unauthenticated');
  });

  it('are revoked at once, by id or all of a name, and streams that they opened end', async () => {
    const [one, two] = [await make('viewer'), await make('viewer')];
    const stream = one.client.admin.tailLogs({ follow: true })[Symbol.asyncIterator]();
    const reading = outcome(stream.next());
    await until('the token to be in use', async () => (await outcome(one.client.admin.getStatus({}))) === 'OK');
    assert.equal((await admin.tokens.revokeApiToken({ id: one.id })).revoked, 1);
    assert.equal(await outcome(one.client.admin.getStatus({})), 'Unauthenticated');
    assert.equal(await reading, 'Unauthenticated');
    assert.equal(await outcome(two.client.admin.getStatus({})), 'OK');
    assert.equal((await admin.tokens.revokeApiToken({ name: 'ann' })).revoked, 1);
    assert.equal(await outcome(two.client.admin.getStatus({})), 'Unauthenticated');
    assert.equal((await admin.tokens.revokeApiToken({ id: one.id })).revoked, 0);
  });

  it('end the streams that they opened when their time is over', async () => {
    const { client } = await make('viewer', 60);
    const reading = outcome(client.admin.tailLogs({ follow: true })[Symbol.asyncIterator]().next());
    await until('the stream', async () => (await outcome(client.admin.getStatus({}))) === 'OK');
    clock.advance(60_000);
    assert.equal(await reading, 'Unauthenticated');
  });

  it('rotate with overlap: the old one ends a minute later, the new one has its name and role', async () => {
    const { client, id } = await make('viewer', 600);
    const next = await client.tokens.rotateApiToken({});
    assert.deepEqual([next.description?.name, next.description?.role], ['ann', 'viewer']);
    assert.equal(Number(next.description?.expiresAt) - clock.now(), 600_000);
    const successor = as(next.token);
    assert.equal(await outcome(successor.admin.getStatus({})), 'OK');
    clock.advance(59_000);
    assert.equal(await outcome(client.admin.getStatus({})), 'OK');
    clock.advance(1_000);
    assert.equal(await outcome(client.admin.getStatus({})), 'Unauthenticated');
    assert.equal(await outcome(successor.admin.getStatus({})), 'OK');
    assert.equal(await outcome(admin.tokens.rotateApiToken({ id })), 'NotFound');
  });

  it('rotate themselves only, but for admins', async () => {
    const [viewer, other] = [await make('viewer'), await make('viewer', 600, 'bob')];
    assert.equal(await outcome(viewer.client.tokens.rotateApiToken({ id: other.id })), 'PermissionDenied');
    assert.equal(await outcome(admin.tokens.rotateApiToken({ id: other.id })), 'OK');
    assert.equal(
      await outcome(admin.tokens.rotateApiToken({})),
      'InvalidArgument',
      'the token of the data directory stays',
    );
  });

  it('are on the record with whoever made them', async () => {
    const { client } = await make('admin', 60, 'ann');
    const made = await client.tokens.createApiToken({ name: 'bob', role: 'viewer' });
    assert.equal(made.description?.createdBy, 'admin:ann');
    const { tokens } = await admin.tokens.listApiTokens({});
    assert.deepEqual(
      tokens.map(({ name, role, createdBy }) => [name, role, createdBy]),
      [
        ['ann', 'admin', 'admin:bootstrap'],
        ['bob', 'viewer', 'admin:ann'],
      ],
    );
  });
});
