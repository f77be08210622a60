import { randomBytes } from 'node:crypto';
import { RampartError } from '@rampart/core';
import type { Signer } from '@rampart/keyring';
import { createAuthorityRequest } from '@rampart/spiffe';
import type { CaRequestRecord } from '../../store.ts';
import type { HierarchyOptions } from '../signing-authority.ts';

/** A signing request that is out, with the key that it is for. */
export interface IntermediateRequest extends CaRequestRecord {
  readonly signer: Signer;
  /** PKCS#10, DER. */
  readonly csr: Uint8Array;
}

/** Makes a key, durable before this returns, and the request for it. */
export async function createRequest(options: HierarchyOptions): Promise<IntermediateRequest> {
  const keyName = `intermediate-${randomBytes(16).toString('hex')}`;
  const signer = await options.keys.create(keyName);
  return requestFor(signer, { keyName, createdAt: options.clock.now() }, options);
}

/** @throws RampartError KEY_UNREADABLE when the key of a request that is out is gone. */
export async function reopenRequest(record: CaRequestRecord, options: HierarchyOptions): Promise<IntermediateRequest> {
  const signer = await options.keys.open(record.keyName);
  if (signer !== undefined) return requestFor(signer, record, options);
  throw new RampartError(
    'KEY_UNREADABLE',
    `the key "${record.keyName}" of the signing request is missing; make another request: rampart ca request --new`,
  );
}

async function requestFor(
  signer: Signer,
  record: CaRequestRecord,
  { trustDomain }: HierarchyOptions,
): Promise<IntermediateRequest> {
  const commonName = `Rampart intermediate CA ${record.keyName.slice(-32, -24)}`;
  const { publicKeyDer } = signer;
  const csr = await createAuthorityRequest({ publicKeyDer, trustDomain, commonName }, (info) => signer.sign(info));
  return { ...record, signer, csr };
}
