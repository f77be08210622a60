import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { entry, WEB_ID } from '../attestation/newcomer.fixture.ts';
import { ANN, csr, openFixture } from '../fixture.ts';
import type { AuthorityFixture } from '../fixture.ts';
import type { IssuedJwtSvid } from '../jwt/jwt-svid-issuer.ts';
import type { AgentCall } from './events.ts';

const WEB = entry(['unix:uid:1000'], { spiffeId: WEB_ID });

/** An agent that may hand out WEB, and a token of it that is being signed. */
async function tokenUnderWay(): Promise<{
  readonly fixture: AuthorityFixture;
  readonly call: AgentCall;
  readonly outcome: Promise<string>;
  readonly signed: () => void;
}> {
  const reached = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const fixture = await openFixture({
    entries: { entries: () => [WEB], entry: () => WEB, attestors: () => [] },
  });
  const authority = await fixture.reopen({
    jwtSvids: {
      issue: async ({ spiffeId }): Promise<IssuedJwtSvid> => {
        reached.resolve();
        await gate.promise;
        return { token: 'secret', spiffeId, id: '', keyId: '', issuedAt: 0, expiresAt: 0 };
      },
    },
  });
  const { token } = await authority.createAgentToken('host-1');
  const joined = await authority.attest(token, csr(), '');
  assert.ok(joined.ok);
  const { spiffeId: agent, serial } = joined.value;
  const call = { agent, serial, sourceIp: '10.0.0.5' };
  const outcome = authority.agents
    .issueJwt(call, { entryId: 'istio-system/web', audiences: ['orders'] })
    .then((result) => (result.ok ? result.value.token : (result.problem.detail ?? '')))
    .catch((error: unknown) => (error instanceof Error ? error.message : ''));
  await reached.promise;
  return { fixture: { ...fixture, authority }, call, outcome, signed: gate.resolve };
}

describe('a token that is signed for an agent', () => {
  it('is not given out once the agent is revoked', async () => {
    const { fixture, call, outcome, signed } = await tokenUnderWay();
    await fixture.authority.revoke(call.serial, 'host lost', ANN);
    signed();
    assert.equal(await outcome, 'agent-revoked');
    const [record] = await fixture.audit();
    assert.deepEqual([record?.event_type, record?.details['rule']], ['ISSUANCE_DENIED', 'agent-revoked']);
  });

  it('is not given out once its identity is barred', async () => {
    const { fixture, outcome, signed } = await tokenUnderWay();
    await fixture.authority.revocationDesk.revoke(
      { kind: 'identity', bar: true, spiffeId: WEB_ID, reason: 'keyCompromise', note: '' },
      ANN,
    );
    signed();
    assert.match(await outcome, /refused by rule identity-barred: .* is barred/);
    const [record] = await fixture.audit();
    assert.deepEqual(
      [record?.event_type, record?.details['rule'], record?.source_ip],
      ['ISSUANCE_DENIED', 'identity-barred', '10.0.0.5'],
    );
  });

  it('is given out otherwise', async () => {
    const { outcome, signed } = await tokenUnderWay();
    signed();
    assert.equal(await outcome, 'secret');
  });
});
