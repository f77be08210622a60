import { generateKeyPairSync, sign, verify } from 'node:crypto';

import { keepBusy } from './work.ts';
import type { Work } from './work.ts';

/** About as long as the signed part of a certificate and of a request are. */
const SIGNED_BYTES = 400;
/** Between two looks at the clock. */
const BATCH = 16;

/** The limit of the machine: one P-256 verification and one P-256 signature for each certificate, and nothing else. */
export function rawCrypto(): (milliseconds: number) => Promise<Work> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const data = Buffer.alloc(SIGNED_BYTES, 7);
  const signature = sign('sha256', data, privateKey);
  return async (milliseconds) => {
    const work = await keepBusy(1, milliseconds, () => {
      for (let count = 0; count < BATCH; count += 1) {
        if (!verify('sha256', data, publicKey, signature)) throw new Error('a good signature was refused');
        sign('sha256', data, privateKey);
      }
    });
    return { ...work, done: work.done * BATCH };
  };
}
