import assert from 'node:assert/strict';
import { parseResource, qualifiedName } from '@rampart/core';
import type { Attestor, RampartError, RegistrationEntry, Result } from '@rampart/core';
import { csr, openFixture } from '../fixture.ts';
import type { AuthorityFixture } from '../fixture.ts';
import type { IssuedSvid } from '../issuance/issuance.ts';
import type { EntrySource } from '../registration/entries.ts';
import type { Evidence } from './evidence.ts';

export const WEB_ID = 'spiffe://cluster.local/ns/prod/sa/web';
const NEWCOMER_IP = '10.0.0.7';

/** An authority with attestors and entries that a test may change at any time. */
export interface Newcomers extends AuthorityFixture {
  readonly registered: { attestors: Attestor[]; entries: RegistrationEntry[] };
  /** Attests as a workload, with a request of its own unless given. */
  attest(
    evidence: Evidence,
    request?: { readonly csr?: Uint8Array; readonly agent?: boolean },
  ): Promise<Result<IssuedSvid, RampartError>>;
  /** Holds that it was refused by this rule, on the record, and that nothing came of it. */
  assertRefused(refused: Result<IssuedSvid, RampartError>, rule: string): Promise<void>;
}

/** @param now Time of the machine: other authorities' certificates begin then, and the test a minute later. */
export async function openNewcomers({
  now,
  ...registered
}: Newcomers['registered'] & { readonly now: number }): Promise<Newcomers> {
  const source: EntrySource = {
    attestors: () => registered.attestors,
    entries: () => registered.entries,
    entry: (id) => registered.entries.find((entry) => qualifiedName(entry) === id),
  };
  let issued = 0;
  const fixture = await openFixture({ entries: source, now: now + 60_000 });
  const { authority, audit, ledger } = fixture;
  issued = (await ledger()).length;
  authority.onIssued(() => (issued += 1));
  return {
    ...fixture,
    registered,
    attest: (evidence, { agent = false, ...request } = {}) =>
      authority.attestWith({ evidence, csr: request.csr ?? csr(), agent, sourceIp: NEWCOMER_IP }),
    assertRefused: async (refused, rule) => {
      assert.ok(!refused.ok, 'it was not refused');
      assert.deepEqual(
        [refused.problem.code, refused.problem.detail],
        ['ATTESTATION_DENIED', rule],
        refused.problem.message,
      );
      assert.ok(refused.problem.message.startsWith(`this evidence was refused by rule ${rule}: `));
      const [record] = await audit();
      assert.deepEqual(
        [record?.event_type, record?.result, record?.source_ip, record?.details['rule']],
        ['ATTESTATION_DENIED', 'DENIED', NEWCOMER_IP, rule],
      );
      assert.equal((await ledger()).length, issued, 'the ledger has an entry more');
    },
  };
}

export function attestor(spec: object, name = 'outside'): Attestor {
  const parsed = parseResource({
    apiVersion: 'rampart.dev/v1',
    kind: 'Attestor',
    metadata: { name, namespace: 'istio-system' },
    spec,
  });
  if (!parsed.ok || parsed.value.kind !== 'Attestor') throw new Error(JSON.stringify(parsed));
  return parsed.value;
}

export function entry(selectors: readonly string[], spec: object = {}, name = 'web'): RegistrationEntry {
  const parsed = parseResource({
    apiVersion: 'rampart.dev/v1',
    kind: 'RegistrationEntry',
    metadata: { name, namespace: 'prod' },
    spec: { spiffeId: WEB_ID, selectors, ...spec },
  });
  if (!parsed.ok || parsed.value.kind !== 'RegistrationEntry') throw new Error(JSON.stringify(parsed));
  return parsed.value;
}
