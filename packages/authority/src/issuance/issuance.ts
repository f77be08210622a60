import type { Clock, SpiffeId } from '@rampart/core';
import type { AuditEvent, Companion, Journal } from '@rampart/journal';
import { buildCertificate, serialAt } from '@rampart/spiffe';
import type { ParsedCertificate, RevocableCertificate, ServerTemplate, WorkloadTemplate } from '@rampart/spiffe';
import type { Hierarchy } from '../hierarchy/hierarchy.ts';
import { issuanceEntry } from './ledger.ts';
import type { Rotation, UnrecordedCertificate } from './ledger.ts';
import { validity } from './lifetimes.ts';
import type { Lifetimes } from './lifetimes.ts';
import type { EntryTerms } from '../registration/entries.ts';
import type { AttestationFacts, AuthorityStore, CertificateRecord, WorkloadIdentity } from '../store.ts';
import type { SigningAuthority } from '../hierarchy/held-authority.ts';

/** A certificate that may be handed out: it is in the ledger and on record. */
export interface IssuedSvid {
  readonly spiffeId: SpiffeId;
  /** DER certificates: the leaf, its intermediate, then whatever lies between that and a root of the bundle. */
  readonly chain: readonly [leaf: Uint8Array, intermediate: Uint8Array, ...upstream: Uint8Array[]];
  /** Unix milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** When to get the next one, jitter not counted; undefined for the holder's own rule, half of what is left. */
  readonly renewAt: number | undefined;
  /** Lower-case hex. */
  readonly serial: string;
  /** Of the intermediate that signed it, lower-case hex. */
  readonly issuerSerial: string;
  /** Undefined for agents, and for identities that are not of the form ns/…/sa/…. */
  readonly workload: WorkloadIdentity | undefined;
}

/** A certificate for a workload or an agent. */
export interface WorkloadIssue {
  readonly kind: 'workload' | 'agent';
  readonly spiffeId: SpiffeId;
  readonly publicKeyDer: Uint8Array;
  readonly workload: WorkloadIdentity | undefined;
  /** What the registration entry it is issued by asks of it. */
  readonly entry?: EntryTerms;
  readonly attestation?: AttestationFacts;
  readonly reason: 'attested' | 'renewal' | 'agent';
  /** Which certificate it takes the place of. */
  readonly rotation?: Rotation;
  /** SPIFFE ID, or "". */
  readonly requestedBy: string;
  /** Address of who asks. */
  readonly sourceIp: string;
  /** What vouches for it once: used up in the same step in which it is recorded. */
  readonly usedUp?: readonly Companion[];
  /** Goes on the audit record together with the ledger's entry. */
  readonly events: (serial: string) => readonly AuditEvent[];
}

/** A certificate for a server of the control plane itself. */
export interface ServerIssue {
  readonly kind: 'server';
  readonly spiffeId: SpiffeId;
  readonly publicKeyDer: Uint8Array;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly rotation?: Rotation;
}

/** Who holds a certificate renews it then by itself. */
export const HALF = 0.5;

interface IssuanceOptions {
  readonly hierarchy: Hierarchy;
  readonly journal: Journal;
  readonly store: AuthorityStore;
  readonly clock: Pick<Clock, 'now'>;
  readonly lifetimes: Lifetimes;
  /** The first notBefore from which on nothing revokes such a certificate. */
  validFrom(certificate: RevocableCertificate): number;
  /** URL under which others reach /crl here. */
  readonly crlUrl?: string;
}

type LeafTemplate = WorkloadTemplate | ServerTemplate;

/** Makes leaf certificates. None leaves before its ledger entry, its audit records and its own record are durable. */
export class Issuance {
  readonly #options: IssuanceOptions;

  constructor(options: IssuanceOptions) {
    this.#options = options;
  }

  async issue(request: WorkloadIssue | ServerIssue): Promise<IssuedSvid> {
    const issuer = await this.#options.hierarchy.issuer();
    const template = this.#unrevoked(this.#template(request, issuer), request.spiffeId);
    const certificate = await buildCertificate(template, (tbs) => issuer.signer.sign(tbs));
    const { serial, notBefore, notAfter } = certificate;
    const unrecorded: UnrecordedCertificate = {
      ...describe(request),
      serial,
      issuer: issuer.commonName,
      issuedAt: this.#options.clock.now(),
      notBefore,
      notAfter,
    };
    await this.#record(request, unrecorded, certificate);
    return {
      spiffeId: request.spiffeId,
      chain: [certificate.der, ...issuer.chain],
      notBefore,
      notAfter,
      serial,
      renewAt: this.#renewAt(request, notAfter),
      issuerSerial: issuer.certificate.serial,
      workload: workloadOf(request),
    };
  }

  /** All in one turn, so that all of it becomes durable at once or not at all. */
  async #record(
    request: WorkloadIssue | ServerIssue,
    unrecorded: UnrecordedCertificate,
    certificate: ParsedCertificate,
  ): Promise<void> {
    const { journal, store } = this.#options;
    const events =
      request.kind === 'server' ? [serverEvent(request, unrecorded.serial)] : request.events(unrecorded.serial);
    const usedUp = (request.kind === 'server' ? undefined : request.usedUp) ?? [];
    const entry = journal.append('ledger', issuanceEntry(unrecorded, certificate, request.rotation), (sequence) => [
      store.issued({ ...unrecorded, sequence }),
      ...usedUp,
    ]);
    await Promise.all([entry, ...events.map((event) => journal.audit(event))]);
  }

  #renewAt({ kind }: WorkloadIssue | ServerIssue, notAfter: number): number | undefined {
    const { clock, lifetimes } = this.#options;
    if (kind === 'server' || lifetimes.renewalShare === HALF) return undefined;
    const now = clock.now();
    return Math.round(now + (notAfter - now) * lifetimes.renewalShare);
  }

  #template(request: WorkloadIssue | ServerIssue, { certificate: issuer }: SigningAuthority): LeafTemplate {
    const { spiffeId, publicKeyDer } = request;
    const { clock, lifetimes } = this.#options;
    const now = clock.now();
    const common = { serial: serialAt(now), publicKeyDer, spiffeId, issuer };
    if (request.kind === 'server') {
      const { dnsNames, ipAddresses } = request;
      return {
        ...common,
        ...validity(now, lifetimes.serverMs, issuer),
        kind: 'server',
        dnsNames,
        ipAddresses,
      };
    }
    const { ttlMs = lifetimes.workloadMs, dnsNames = [], endsAt = Infinity } = request.entry ?? {};
    const { notBefore, notAfter } = validity(now, ttlMs, issuer);
    const times = { notBefore, notAfter: Math.min(notAfter, notBefore + lifetimes.longestWorkloadMs, endsAt) };
    return dnsNames.length === 0
      ? { ...common, ...times, kind: 'workload' }
      : { ...common, ...times, kind: 'server', dnsNames };
  }

  /** What is made after a revocation is not revoked by it, though both may fall into one second. */
  #unrevoked(template: LeafTemplate, spiffeId: SpiffeId): LeafTemplate {
    const { notBefore, issuer } = template;
    const authorityKeyId = issuer.subjectKeyId;
    const { crlUrl, validFrom } = this.#options;
    return {
      ...template,
      notBefore: validFrom({ serial: '', spiffeId, notBefore, authorityKeyId }),
      ...(crlUrl === undefined ? {} : { crlUrl: `${crlUrl}/crl/${issuer.serial}.crl` }),
    };
  }
}

function describe(
  request: WorkloadIssue | ServerIssue,
): Pick<CertificateRecord, 'kind' | 'spiffeId' | 'requestedBy' | 'reason' | 'workload' | 'entryId' | 'attestation'> {
  const spiffeId = request.spiffeId.toString();
  if (request.kind === 'server') return { kind: 'server', spiffeId, requestedBy: '', reason: 'server' };
  const { kind, requestedBy, reason, workload, entry, attestation } = request;
  return {
    kind,
    spiffeId,
    requestedBy,
    reason,
    ...(workload === undefined ? {} : { workload }),
    ...(entry === undefined ? {} : { entryId: entry.id }),
    ...(attestation === undefined ? {} : { attestation }),
  };
}

function serverEvent({ spiffeId, dnsNames, ipAddresses }: ServerIssue, serial: string): AuditEvent {
  const details = { serial, kind: 'server', dns_names: dnsNames, ip_addresses: ipAddresses };
  return { eventType: 'CERTIFICATE_ISSUED', identity: spiffeId.toString(), result: 'SUCCESS', details };
}

/** The control plane's own servers were attested by nobody: their workload is what their SPIFFE ID says. */
function workloadOf(request: WorkloadIssue | ServerIssue): WorkloadIdentity | undefined {
  if (request.kind !== 'server') return request.workload;
  const { namespace = '', serviceAccount = '' } = request.spiffeId;
  return { namespace, serviceAccount, service: '', labels: {} };
}
