import type { AccessLogRecord } from '@rampart/core';
import type { Records } from '../mesh/records.ts';
import type { Shop } from '../mesh/shop.ts';
import { expectation } from './expectation.ts';
import type { Expectation } from './expectation.ts';

/** One call that must be on record. */
export interface Hop {
  /** Caller's service; undefined for a user. */
  readonly from: string | undefined;
  /** "frontend.production.svc" */
  readonly to: string;
  readonly method: string;
  readonly path: string | RegExp;
  readonly code: number;
  readonly policy: string;
}

const RECORDED_WITHIN_MS = 8000;

/** What the service that was called has on record of a hop. */
export async function hopExpectation(shop: Shop, hop: Hop, name: string): Promise<Expectation> {
  const caller = shop.services.find(({ workload }) => workload.name === hop.from);
  const principal = caller?.spiffeId ?? '';
  const expected = describe(hop, principal === '' ? 'no identity' : principal);
  return expectation(name, expected, await observe(shop.records, hop, principal));
}

/** "frontend → api-server" */
export function wayOf({ from, to }: Hop): string {
  return `${from ?? 'user'} → ${to.replace(/\..*/, '')}`;
}

function describe(hop: Hop, identity: string): string {
  const tls = hop.from === undefined ? 'plaintext' : 'TLSv1.3';
  return `ALLOW ${hop.code} by ${hop.policy}; ${tls}, ${identity}`;
}

async function observe(records: Records, hop: Hop, principal: string): Promise<string> {
  const record = await records.request({
    milliseconds: RECORDED_WITHIN_MS,
    fits: (each) =>
      each.reporter === 'destination' &&
      each.destination_service === hop.to &&
      each.source_principal === principal &&
      each.request_method === hop.method &&
      isPath(each, hop.path),
  });
  if (record === undefined) return 'not on record';
  const tls = record.tls_version === '' ? 'plaintext' : record.tls_version;
  const identity = record.source_principal === '' ? 'no identity' : record.source_principal;
  return `${record.authorization_decision} ${record.response_code} by ${record.authorization_policy}; ${tls}, ${identity}`;
}

function isPath({ request_path: path }: AccessLogRecord, wanted: string | RegExp): boolean {
  return typeof wanted === 'string' ? path === wanted : wanted.test(path);
}
