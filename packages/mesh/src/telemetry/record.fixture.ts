import { blankRecord } from '@rampart/wire/record-block';
import type { RecordInput } from '@rampart/wire/record-block';

/** A record that is told from others by its path. */
export function record(path: string): RecordInput {
  return {
    ...blankRecord(),
    startedAt: 1_795_000_000_000,
    durationMicros: 5,
    responseCode: 200,
    policyRevision: 1,
    destinationService: 'orders-api.default.svc',
    method: 'GET',
    path,
  };
}
