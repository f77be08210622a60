import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';

import { fail, ok, TrustDomain } from '@rampart/core';
import type { Result } from '@rampart/core';
import { SettableClock } from '@rampart/testkit/fake-clock';
import { SyncUpdate } from '@rampart/wire/agent';
import { createLineLog } from '@rampart/mesh';

import { ChangeSignal } from '../change-signal.ts';
import type { IssuanceProblem } from '../control/issuance.ts';
import type { HostEntry } from '../entries/host-entry.ts';
import { HostView } from '../entries/host-view.ts';
import { JwtKeeper } from './jwt-keeper.ts';
import type { IssuedToken } from './workload-svid.ts';

const LIFE_MS = 300_000;
const part = (json: object): string => Buffer.from(JSON.stringify(json)).toString('base64url');
const TOKEN = [part({ alg: 'ES256', kid: 'k1' }), part({ sub: 'spiffe://td/a', aud: ['x'], exp: 1 }), 'AA'].join('.');
const JWKS = {
  keys: [
    {
      use: 'jwt-svid',
      kid: 'k1',
      kty: 'EC',
      crv: 'P-256',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    },
  ],
};

describe('JWT-SVIDs that the agent keeps', () => {
  let clock: SettableClock;
  let view: HostView;
  let asked: string[];
  let problem: IssuanceProblem | undefined;
  let keeper: JwtKeeper;

  beforeEach(() => {
    clock = new SettableClock();
    view = new HostView({ changes: new ChangeSignal(), clock, log: createLineLog('agent', 'silent', () => undefined) });
    asked = [];
    problem = undefined;
    keeper = new JwtKeeper({ view, clock, issue });
    const entries = ['a', 'b'].map((id) => ({
      id,
      spiffeId: `spiffe://td/${id}`,
      selectors: ['unix:uid:1'],
      workload: undefined,
      dnsNames: [],
      x509TtlSeconds: 0,
      jwtTtlSeconds: 0,
      federatesWith: [],
      hint: '',
      admin: false,
      revision: 1n,
      expiresAt: 0n,
    }));
    const bundle = { trustDomain: 'td', roots: [], jwks: JSON.stringify(JWKS), sequence: 1n, refreshHintSeconds: 0 };
    const update = { ...SyncUpdate.decode(new Uint8Array()), reset: true, entries, bundles: [bundle] };
    view.apply(update, TrustDomain.of('td'));
  });

  function entry(id: string): HostEntry {
    const found = view.entry(id);
    assert.ok(found !== undefined);
    return found;
  }

  async function issue(
    { id, terms }: HostEntry,
    audiences: readonly string[],
  ): Promise<Result<IssuedToken, IssuanceProblem>> {
    asked.push(`${id} ${audiences.join()}`);
    const issuedAt = clock.now();
    return problem === undefined ? ok({ token: TOKEN, issuedAt, expiresAt: issuedAt + LIFE_MS, terms }) : fail(problem);
  }

  const get = async (id: string, audience = 'x'): Promise<boolean> => (await keeper.get(entry(id), [audience])).ok;

  it('are issued once for each identity and audience, until half of their life is over', async () => {
    assert.deepEqual(await Promise.all([get('a'), get('a'), get('b'), get('a', 'y')]), [true, true, true, true]);
    assert.deepEqual(asked, ['a x', 'b x', 'a y']);
    await clock.advance(LIFE_MS / 2 - 1);
    await get('a');
    assert.equal(asked.length, 3);
    await clock.advance(1);
    await get('a');
    assert.equal(asked.length, 4);
  });

  it('serve on while the control plane is away, to their end and no longer, and not when it refuses', async () => {
    await get('a');
    problem = { kind: 'unavailable', message: 'away' };
    await clock.advance(LIFE_MS - 1);
    assert.equal(await get('a'), true);
    problem = { kind: 'refused', message: 'no' };
    assert.equal(await get('a'), false);
    problem = { kind: 'unavailable', message: 'away' };
    await clock.advance(1);
    assert.equal(await get('a'), false);
  });

  it('of one identity are new only so often, and others of the host go on', async () => {
    const outcomes = await Promise.all(Array.from({ length: 200 }, (_, number) => get('a', `audience ${number}`)));
    assert.equal(outcomes.filter(Boolean).length, 100);
    assert.equal(await get('a', 'audience 0'), true);
    assert.equal(await get('b'), true);
    await clock.advance(1000);
    assert.equal(await get('a', 'audience 199'), true);
  });
});
