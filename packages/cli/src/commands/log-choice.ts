import { neverArrived } from '@rampart/core';
import type { LogEntry } from '../render/log-records.ts';

/** Whose records are asked for. */
export type Reporter = 'source' | 'destination' | 'both';

/** Every other destination is outside the mesh, where nobody reports. */
const OF_THE_MESH = /\.svc$/;

/** Both ends report a request that arrived; one line a request is what people expect, unless they say whose records they want. */
export function isWanted(entry: LogEntry, reporter: Reporter | undefined): boolean {
  if (entry.kind === 'refusal' || reporter !== undefined) return true;
  const { reporter: side, response_flags: flags, destination_service: service } = entry.record;
  return side === 'destination' || neverArrived(flags) || !OF_THE_MESH.test(service);
}
