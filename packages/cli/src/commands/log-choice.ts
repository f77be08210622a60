import type { LogEntry } from '../render/log-records.ts';

/** Whose records are asked for. */
export type Reporter = 'source' | 'destination' | 'both';

// Envoy's response flags of a request that no instance answered: no route, no cluster, no healthy instance, connection
// failure, overflow, retries used up, fault, local limit, denied by the caller's own data plane; and of one that a rule's timeout ended before its answer.
const SOURCE_KNOWS = /\b(?:NR|NC|UH|UF|UO|URX|FI|RL|UT|UAEX)\b/;
/** Every other destination is outside the mesh, where nobody reports. */
const OF_THE_MESH = /\.svc$/;

/** Both ends report a request that arrived; one line a request is what people expect, unless they say whose records they want. */
export function isWanted(entry: LogEntry, reporter: Reporter | undefined): boolean {
  if (entry.kind === 'refusal' || reporter !== undefined) return true;
  const { reporter: side, response_flags: flags, destination_service: service } = entry.record;
  return side === 'destination' || SOURCE_KNOWS.test(flags) || !OF_THE_MESH.test(service);
}
