import { sign } from 'node:crypto';
import { SpiffeId, TrustDomain } from '@rampart/core';
import { type ParsedCertificate, parseCertificate } from '../certificate/parsed-certificate.ts';
import { buildCertificate, type TbsSigner } from '../issuance/builder.ts';
import { randomSerial } from '../issuance/serial-number.ts';
import type { ServerTemplate, WorkloadTemplate } from '../issuance/template.ts';
import { generateKeyPair, type KeyPair } from '../key-pair.ts';

/** The moment at which the tests of this package happen. */
export const NOW: number = Date.UTC(2026, 5, 15, 12, 0, 0);
export const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;

export const WEB = 'spiffe://cluster.local/ns/default/sa/web';

/** A root, an intermediate and their keys. */
export interface TestAuthority {
  readonly trustDomain: TrustDomain;
  readonly rootKey: KeyPair;
  readonly root: Uint8Array;
  readonly intermediateKey: KeyPair;
  readonly intermediate: Uint8Array;
}

interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** For judges that look at the wall clock: valid whenever the tests run. */
export const CENTURY: Validity = { notBefore: Date.UTC(2000, 0), notAfter: Date.UTC(2100, 0) };

export async function createTestAuthority(
  domain = 'cluster.local',
  validity: Validity = { notBefore: NOW - HOUR, notAfter: NOW + 10 * YEAR },
): Promise<TestAuthority> {
  const trustDomain = TrustDomain.of(domain);
  const [rootKey, intermediateKey] = [generateKeyPair(), generateKeyPair()];
  const common = { trustDomain, ...validity };
  const { der: root } = await buildCertificate(
    {
      ...common,
      kind: 'root',
      commonName: 'test root',
      pathLength: 1,
      serial: randomSerial(),
      publicKeyDer: spkiOf(rootKey),
    },
    signerOf(rootKey),
  );
  const { der: intermediate } = await buildCertificate(
    {
      ...common,
      kind: 'intermediate',
      issuer: parsed(root),
      commonName: 'test intermediate',
      serial: randomSerial(),
      publicKeyDer: spkiOf(intermediateKey),
    },
    signerOf(rootKey),
  );
  return { trustDomain, rootKey, root, intermediateKey, intermediate };
}

/** A workload's certificate below the intermediate; valid from a minute ago for an hour. */
export async function issueWorkload(
  authority: TestAuthority,
  changes: Partial<WorkloadTemplate> = {},
): Promise<Uint8Array> {
  const template = workloadTemplate(authority, changes);
  return (await buildCertificate(template, signerOf(authority.intermediateKey))).der;
}

export function workloadTemplate(authority: TestAuthority, changes: Partial<WorkloadTemplate> = {}): WorkloadTemplate {
  return {
    kind: 'workload',
    issuer: parsed(authority.intermediate),
    spiffeId: SpiffeId.of(`spiffe://${authority.trustDomain.name}/ns/default/sa/web`),
    serial: randomSerial(),
    publicKeyDer: spkiOf(generateKeyPair()),
    notBefore: NOW - 60_000,
    notAfter: NOW + HOUR,
    ...changes,
  };
}

export async function issueServer(
  authority: TestAuthority,
  changes: Partial<ServerTemplate> = {},
): Promise<Uint8Array> {
  const template: ServerTemplate = { ...workloadTemplate(authority), ...changes, kind: 'server' };
  return (await buildCertificate(template, signerOf(authority.intermediateKey))).der;
}

export function signerOf(key: KeyPair): TbsSigner {
  return (tbs) => new Uint8Array(sign('sha256', tbs, key.privateKey));
}

export function spkiOf(key: Pick<KeyPair, 'publicKey'>): Uint8Array {
  return new Uint8Array(key.publicKey.export({ type: 'spki', format: 'der' }));
}

export function parsed(der: Uint8Array): ParsedCertificate {
  const result = parseCertificate(der);
  if (!result.ok) throw new Error(result.problem);
  return result.value;
}
