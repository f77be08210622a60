import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openAuthority, openJwtAuthority } from '@rampart/authority';
import type { Authority, IssuedSvid, JwtAuthorities } from '@rampart/authority';
import { SpiffeId, TrustDomain } from '@rampart/core';
import { Journal } from '@rampart/journal';
import { FileKeyStore, fromKeyFile } from '@rampart/keyring';
import { createSystemClock } from '@rampart/server';
import {
  createAuthorityStore,
  createJournalStore,
  createJwtKeyStore,
  openDatabase,
  sqliteEngine,
} from '@rampart/server/storage';
import { createCsr, generateKeyPair } from '@rampart/spiffe';

import { keepBusy } from './work.ts';
import type { Work } from './work.ts';

const SOURCE = '127.0.0.1';
const GROUP = 64;
/** Made before anything is timed: making keys is the workloads' own work. */
const REQUESTS = 256;

/** What authorities stand on: the real storage, SQLite on disk, every commit synced. */
async function openGround(): Promise<Ground> {
  const directory = mkdtempSync(join(tmpdir(), 'rampart-bench-identity-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  const clock = createSystemClock();
  const database = await openDatabase(sqliteEngine(join(directory, 'rampart.db')));
  const keyEncryptionKey = await fromKeyFile(join(directory, 'master.key'));
  return {
    database,
    common: {
      trustDomain: TrustDomain.of('cluster.local'),
      keys: new FileKeyStore({ directory, keyEncryptionKey }),
      journal: await Journal.open(createJournalStore(database), clock),
      clock,
    },
  };
}

interface Ground {
  readonly database: Awaited<ReturnType<typeof openDatabase>>;
  readonly common: {
    readonly trustDomain: TrustDomain;
    readonly keys: FileKeyStore;
    readonly journal: Journal;
    readonly clock: ReturnType<typeof createSystemClock>;
  };
}

async function openDurableAuthority(): Promise<Authority> {
  const { database, common } = await openGround();
  return openAuthority({ ...common, store: createAuthorityStore(database) });
}

async function openDurableJwtAuthority(): Promise<JwtAuthorities> {
  const { database, common } = await openGround();
  return openJwtAuthority({ ...common, store: createJwtKeyStore(database) });
}

/** JWT-SVIDs: signed, ledger entry durable. */
export async function tokens(callers: number): Promise<(milliseconds: number) => Promise<Work>> {
  const authority = await openDurableJwtAuthority();
  const spiffeId = SpiffeId.of('spiffe://cluster.local/ns/default/sa/workload');
  const request = { spiffeId, audiences: ['orders-api'], requestedBy: spiffeId.toString(), sourceIp: SOURCE };
  return (milliseconds) =>
    keepBusy(callers, milliseconds, async () => {
      await authority.issue(request);
    });
}

/** Renewals, as workloads ask for them: request verified, certificate signed, ledger entry durable. */
export async function renewals(callers: number): Promise<(milliseconds: number) => Promise<Work>> {
  const authority = await openDurableAuthority();
  const requests = Array.from({ length: REQUESTS }, () => createCsr(generateKeyPair()));
  const held = await Promise.all(
    Array.from({ length: callers }, (_, index) => joined(authority, index, requests[index % REQUESTS])),
  );
  let next = 0;
  return (milliseconds) =>
    keepBusy(callers, milliseconds, async (caller) => {
      const svid = held[caller];
      if (svid === undefined) throw new Error('a caller has no certificate');
      next = (next + 1) % REQUESTS;
      const renewed = await authority.renew(svid.spiffeId, svid.serial, {
        csr: requests[next] ?? new Uint8Array(),
        sourceIp: SOURCE,
      });
      if (!renewed.ok) throw renewed.problem;
      held[caller] = renewed.value;
    });
}

async function joined(authority: Authority, index: number, csr: Uint8Array | undefined): Promise<IssuedSvid> {
  const serviceAccount = `workload-${index}`;
  const { token } = await authority.createJoinToken({ namespace: 'default', serviceAccount, service: '', labels: {} });
  const attested = await authority.attest(token, csr ?? new Uint8Array(), SOURCE);
  if (!attested.ok) throw attested.problem;
  return attested.value;
}

/**
 * Resident megabytes of a process with an authority, before and after `count` identities hold a certificate of it, and the
 * megabytes of living objects that came with them.
 */
export async function liveIdentities(
  count: number,
): Promise<{ readonly before: number; readonly after: number; readonly heapAdded: number }> {
  const authority = await openDurableAuthority();
  const csr = createCsr(generateKeyPair());
  for (let warm = 0; warm < GROUP; warm += 1) await joined(authority, count + warm, csr);
  const before = megabytes();
  for (let from = 0; from < count; from += GROUP) {
    await Promise.all(
      Array.from({ length: Math.min(GROUP, count - from) }, (_, index) => joined(authority, from + index, csr)),
    );
  }
  const after = megabytes();
  return { before: before.resident, after: after.resident, heapAdded: after.heap - before.heap };
}

function megabytes(): { readonly resident: number; readonly heap: number } {
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  return { resident: rss / 1_048_576, heap: heapUsed / 1_048_576 };
}
