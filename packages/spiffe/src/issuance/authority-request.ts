import type { TrustDomain } from '@rampart/core';
import { OID } from '../der/oid.ts';
import { bitString, contextConstructed, oid, sequence, set, smallInteger, utf8String } from '../der/writer.ts';
import type { TbsSigner } from './builder.ts';
import * as write from './extension-writer.ts';

/** What a CA elsewhere is asked to certify. */
export interface AuthorityRequest {
  /** SubjectPublicKeyInfo of an EC P-256 key, DER. */
  readonly publicKeyDer: Uint8Array;
  readonly trustDomain: TrustDomain;
  readonly commonName: string;
}

/**
 * PKCS#10 request (RFC 2986) for an intermediate of a trust domain, DER. Unlike that of a workload it says what the certificate
 * has to hold (extensionRequest, RFC 2985 §5.4.2), because whoever signs it may not know SPIFFE's rules.
 */
export async function createAuthorityRequest(request: AuthorityRequest, sign: TbsSigner): Promise<Uint8Array> {
  const name = (type: string, value: string): Uint8Array => set(sequence(oid(type), utf8String(value)));
  const extensions = sequence(
    write.basicConstraints(0),
    write.keyUsage('keyCertSign', 'cRLSign'),
    write.subjectAltName({ uri: `spiffe://${request.trustDomain.name}`, dnsNames: [], ipAddresses: [] }, 'optional'),
  );
  const info = sequence(
    smallInteger(0),
    sequence(name(OID.organization, 'Rampart'), name(OID.commonName, request.commonName)),
    request.publicKeyDer,
    contextConstructed(0, sequence(oid(OID.extensionRequest), set(extensions))),
  );
  return sequence(info, sequence(oid(OID.ecdsaWithSha256)), bitString(await sign(info)));
}
