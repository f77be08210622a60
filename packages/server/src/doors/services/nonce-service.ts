import type { ServiceImpl } from '@connectrpc/connect';
import { RampartError } from '@rampart/core';
import type { NonceService } from '@rampart/wire';
import type { SeenNonces } from '../../nonces/seen-nonces.ts';
import { workloadOf } from '../caller.ts';

const MOST_CLAIMS = 1000;
/** SHA-256. */
const DIGEST_BYTES = 32;
/** Twice what a policy can ask for. */
const MOST_KEEP_MS = 600_000;

/** Where data planes learn whether a signed request came before, to any instance of its service. */
export function createNonceService(seen: SeenNonces): ServiceImpl<typeof NonceService> {
  return {
    take: ({ claims }, context) => {
      if (claims.length > MOST_CLAIMS)
        throw new RampartError('INVALID_ARGUMENT', `claims: at most ${MOST_CLAIMS}, and there are ${claims.length}`);
      const wrong = claims.findIndex(({ digest, keepMs }) => digest.length !== DIGEST_BYTES || keepMs > MOST_KEEP_MS);
      if (wrong >= 0) {
        const needs = `a digest of ${DIGEST_BYTES} bytes, and keep_ms of ${MOST_KEEP_MS} at most`;
        throw new RampartError('INVALID_ARGUMENT', `claims[${wrong}]: needs ${needs}`);
      }
      const identity = workloadOf(context).id.toString();
      const standings = claims.map(({ digest, created, keepMs }) =>
        seen.take(identity, { name: Buffer.from(digest).toString('base64'), created: Number(created), keepMs }),
      );
      return { standings };
    },
  };
}
