import { RampartError } from '@rampart/core';
import type { Clock, TrustDomain } from '@rampart/core';
import type { Journal } from '@rampart/journal';
import type { KeyStore, Signer } from '@rampart/keyring';
import { buildCertificate, parseCertificate, randomSerial } from '@rampart/spiffe';
import type { CertificateTemplate, ParsedCertificate } from '@rampart/spiffe';
import { issuanceEntry } from '../issuance/ledger.ts';
import { validity } from '../issuance/lifetimes.ts';
import type { Lifetimes } from '../issuance/lifetimes.ts';
import type { AuthorityStore, CaCertificateRecord } from '../store.ts';

/** What the authorities of one trust domain are made of. */
export interface HierarchyOptions {
  readonly trustDomain: TrustDomain;
  readonly keys: KeyStore;
  readonly store: AuthorityStore;
  readonly journal: Journal;
  readonly clock: Pick<Clock, 'now'>;
  readonly lifetimes: Lifetimes;
}

/** A certificate that signs others, with its key. */
export interface SigningAuthority {
  readonly commonName: string;
  readonly certificate: ParsedCertificate;
  readonly signer: Signer;
}

/** A new root, or with `issuer` a new intermediate: first its key is durable, then its ledger entry, then its record. */
export async function createSigningAuthority(
  options: HierarchyOptions,
  issuer?: SigningAuthority,
): Promise<SigningAuthority> {
  const kind = issuer === undefined ? 'root' : 'intermediate';
  const serial = randomSerial();
  const name = Buffer.from(serial).toString('hex');
  // A name of its own for each key, so that one left behind by a crash is never in the way.
  const keyName = `${kind}-${name}`;
  const signer = await options.keys.create(keyName);
  const commonName = commonNameOf(kind, name);
  const lifeMs = issuer === undefined ? options.lifetimes.rootMs : options.lifetimes.intermediateMs;
  const template = templateOf(
    {
      serial,
      publicKeyDer: signer.publicKeyDer,
      trustDomain: options.trustDomain,
      commonName,
      ...validity(options.clock.now(), lifeMs, issuer?.certificate),
    },
    issuer,
  );
  const certificate = await buildCertificate(template, (tbs) => (issuer?.signer ?? signer).sign(tbs));
  const authority: SigningAuthority = { commonName, certificate, signer };
  await record(options, { kind, keyName, authority, issuer: issuer?.commonName ?? commonName });
  return authority;
}

type Subject = Omit<Extract<CertificateTemplate, { kind: 'intermediate' }>, 'kind' | 'issuer'>;

function templateOf(subject: Subject, issuer: SigningAuthority | undefined): CertificateTemplate {
  if (issuer === undefined) return { ...subject, kind: 'root', pathLength: 1 };
  return { ...subject, kind: 'intermediate', issuer: issuer.certificate };
}

interface NewAuthority {
  readonly kind: CaCertificateRecord['kind'];
  readonly keyName: string;
  readonly authority: SigningAuthority;
  /** Common name. */
  readonly issuer: string;
}

async function record(
  { store, journal, clock, trustDomain }: HierarchyOptions,
  { kind, keyName, authority, issuer }: NewAuthority,
): Promise<void> {
  const { der, serial, notBefore, notAfter } = authority.certificate;
  const spiffeId = `spiffe://${trustDomain.name}`;
  const issued = {
    serial,
    kind,
    spiffeId,
    requestedBy: '',
    issuer,
    reason: 'hierarchy',
    issuedAt: clock.now(),
    notBefore,
    notAfter,
  } as const;
  const [{ sequence }] = await Promise.all([
    journal.append('ledger', issuanceEntry(issued, authority.certificate)),
    journal.audit({
      eventType: 'CERTIFICATE_ISSUED',
      identity: spiffeId,
      result: 'SUCCESS',
      details: { serial, kind },
    }),
  ]);
  await Promise.all([
    store.addCaCertificate({ kind, serial, keyName, der, notBefore, notAfter }),
    store.addCertificate({ ...issued, sequence }),
  ]);
}

/** Serials tell authorities of the same kind apart; a trust domain may be longer than a common name. */
export function commonNameOf(kind: CaCertificateRecord['kind'], serial: string): string {
  return `Rampart ${kind} CA ${serial.slice(0, 8)}`;
}

/** Reads a certificate that this authority built. */
export function readCertificate(der: Uint8Array): ParsedCertificate {
  const parsed = parseCertificate(der);
  if (parsed.ok) return parsed.value;
  throw new RampartError(
    'INVALID_CERTIFICATE',
    `a certificate of the authority is damaged: ${parsed.problem}; restore the data directory from a backup`,
  );
}
