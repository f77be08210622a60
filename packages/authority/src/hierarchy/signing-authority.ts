import { RampartError } from '@rampart/core';
import type { Clock, TrustDomain } from '@rampart/core';
import type { Journal } from '@rampart/journal';
import type { KeyStore, Signer } from '@rampart/keyring';
import { buildCertificate, parseCertificate, randomSerial } from '@rampart/spiffe';
import type { CertificateTemplate, ParsedCertificate } from '@rampart/spiffe';
import { validity } from '../issuance/lifetimes.ts';
import type { Lifetimes } from '../issuance/lifetimes.ts';
import type { AuthorityState, AuthorityStore, CaCertificateRecord } from '../store.ts';
import type { HeldAuthority, SigningAuthority } from './held-authority.ts';
import type { Upstream } from './upstream/upstream.ts';

/** What the authorities of one trust domain are made of. */
export interface HierarchyOptions {
  readonly trustDomain: TrustDomain;
  readonly keys: KeyStore;
  readonly store: AuthorityStore;
  readonly journal: Journal;
  readonly clock: Pick<Clock, 'now'>;
  readonly lifetimes: Lifetimes;
  readonly upstream: Upstream;
}

/** A new root in the state that is given, or with `issuer` a new intermediate. Its key is durable, nothing else is yet. */
export async function createAuthority(
  options: HierarchyOptions,
  state: AuthorityState,
  issuer?: SigningAuthority,
): Promise<HeldAuthority> {
  const kind = issuer === undefined ? 'root' : 'intermediate';
  const serial = randomSerial();
  const name = Buffer.from(serial).toString('hex');
  // A name of its own for each key, so that one left behind by a crash is never in the way.
  const keyName = `${kind}-${name}`;
  const signer = await options.keys.create(keyName);
  const commonName = commonNameOf(kind, name);
  const lifeMs = issuer === undefined ? options.lifetimes.rootMs : options.lifetimes.intermediateMs;
  const now = options.clock.now();
  const template = templateOf(
    {
      serial,
      publicKeyDer: signer.publicKeyDer,
      trustDomain: options.trustDomain,
      commonName,
      ...validity(now, lifeMs, issuer?.certificate),
    },
    issuer,
  );
  const { der } = await buildCertificate(template, (tbs) => (issuer?.signer ?? signer).sign(tbs));
  return holdAuthority({ kind, name: commonName, keyName, der, upstream: [], state, since: now }, signer);
}

/** An authority in memory, from what is known of it. */
export function holdAuthority(
  known: Omit<CaCertificateRecord, 'serial' | 'notBefore' | 'notAfter'>,
  signer: Signer | undefined,
): HeldAuthority {
  const certificate = readCertificate(known.der);
  const { serial, notBefore, notAfter } = certificate;
  return { record: { ...known, serial, notBefore, notAfter }, certificate, signer };
}

type Subject = Omit<Extract<CertificateTemplate, { kind: 'intermediate' }>, 'kind' | 'issuer'>;

function templateOf(subject: Subject, issuer: SigningAuthority | undefined): CertificateTemplate {
  if (issuer === undefined) return { ...subject, kind: 'root', pathLength: 1 };
  return { ...subject, kind: 'intermediate', issuer: issuer.certificate };
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
