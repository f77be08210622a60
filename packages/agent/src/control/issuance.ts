import { fail, ok, RampartError } from '@rampart/core';
import type { Result } from '@rampart/core';
import { RemoteError } from '@rampart/mesh';
import { createCsr, generateKeyPair, parseCertificate } from '@rampart/spiffe';
import { IssueJwtSvidRequest, IssueX509SvidRequest, JwtSvidResponse } from '@rampart/wire/agent';
import { SvidResponse } from '@rampart/wire/control';

import type { HostEntry } from '../entries/host-entry.ts';
import type { IssuedToken, WorkloadSvid } from '../svid/workload-svid.ts';
import type { SyncClient } from './sync-client.ts';

/** Why there is no SVID: the control plane said no, or could not be asked. */
export interface IssuanceProblem {
  readonly kind: 'refused' | 'unavailable';
  readonly message: string;
}

const TIMEOUT_MS = 5_000;
/** What is about the caller or the entry, and will not be otherwise a moment later. */
const REFUSALS: ReadonlySet<string> = new Set(['permission_denied', 'invalid_argument', 'not_found', 'unimplemented']);

/** Asks the control plane for SVIDs on behalf of workloads. Each certificate gets a key of its own, made here. */
export class Issuance {
  readonly #sync: SyncClient;

  constructor(sync: SyncClient) {
    this.#sync = sync;
  }

  /** @param previousSerial Of the certificate that this one takes the place of; "" for the first. */
  async x509(entry: HostEntry, previousSerial: string): Promise<Result<WorkloadSvid, IssuanceProblem>> {
    const keyPair = generateKeyPair();
    const request = IssueX509SvidRequest.encode({
      entryId: entry.id,
      csr: createCsr(keyPair),
      previousSerial,
    }).finish();
    return this.#ask(async () => {
      const answer = await this.#sync.call('/rampart.v1.AgentService/IssueX509Svid', request, TIMEOUT_MS);
      const { chain, spiffeId, renewAt } = SvidResponse.decode(answer);
      const leaf = chain[0] === undefined ? undefined : parseCertificate(chain[0]);
      if (leaf?.ok !== true || spiffeId !== entry.spiffeId.toString()) throw unusable(entry);
      const { serial, notBefore, notAfter, authorityKeyId } = leaf.value;
      const key = keyPair.privateKey.export({ type: 'pkcs8', format: 'der' });
      const { spiffeId: id, terms } = entry;
      const times = { notBefore, notAfter, renewAt: renewAt === 0n ? undefined : Number(renewAt) };
      return { spiffeId: id, chain, key, serial, ...times, authorityKeyId, terms };
    });
  }

  async jwt(entry: HostEntry, audiences: readonly string[]): Promise<Result<IssuedToken, IssuanceProblem>> {
    const request = IssueJwtSvidRequest.encode({ entryId: entry.id, audiences: [...audiences] }).finish();
    return this.#ask(async () => {
      const answer = await this.#sync.call('/rampart.v1.AgentService/IssueJwtSvid', request, TIMEOUT_MS);
      const { token, spiffeId, issuedAt, expiresAt } = JwtSvidResponse.decode(answer);
      if (token === '' || spiffeId !== entry.spiffeId.toString()) throw unusable(entry);
      return { token, issuedAt: Number(issuedAt), expiresAt: Number(expiresAt), terms: entry.terms };
    });
  }

  async #ask<T>(call: () => Promise<T>): Promise<Result<T, IssuanceProblem>> {
    try {
      return ok(await call());
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      const isRefused = cause instanceof RemoteError && REFUSALS.has(cause.code);
      return fail({ kind: isRefused ? 'refused' : 'unavailable', message });
    }
  }
}

function unusable({ id }: HostEntry): RampartError {
  return new RampartError('INVALID_CERTIFICATE', `the control plane answered for ${id} with what is not of that entry`);
}
