import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { RampartError } from '@rampart/core';
import type { Clock, TrustDomain } from '@rampart/core';
import type { Journal } from '@rampart/journal';
import { isRevokedBy, type RevocableCertificate } from '@rampart/spiffe';
import type { Requester } from '../authority.ts';
import { certificateRevoked } from '../events.ts';
import type { HierarchyControl } from '../hierarchy/control.ts';
import { revocationEntry } from '../issuance/ledger.ts';
import type { JwtKeyRecord } from '../jwt/store.ts';
import { normalizeSerial, reasonIn, type Revocations } from '../revocations.ts';
import type { AuthorityStore, CertificateRecord, Revocation } from '../store.ts';
import {
  type CertificatesAct,
  factsOf,
  type LiftAct,
  reasonText,
  type RevocationAct,
  type RuleAct,
  ruleOf,
} from './act.ts';
import * as events from './events.ts';
import {
  checkIdentity,
  type OrderContext,
  type RevocationGrounds,
  type RevocationOrder,
  type RuleTerms,
  termsOf,
  termsOfAuthority,
} from './order.ts';
import { scopeOf } from './scope.ts';
import type { RevocationEpoch, RevocationStore } from './store.ts';

export interface RevocationDeskOptions {
  readonly trustDomain: TrustDomain;
  readonly store: AuthorityStore;
  readonly acts: RevocationStore;
  readonly epoch: RevocationEpoch;
  readonly journal: Journal;
  readonly clock: Pick<Clock, 'now'>;
  readonly hierarchy: Pick<HierarchyControl, 'describe'>;
  readonly inForce: Revocations;
}

/** What a revocation hits, or would hit. */
export interface RevocationHit {
  /** Certificates on record that had not ended and were not revoked before. */
  readonly count: number;
  /** A few of them. */
  readonly newest: readonly CertificateRecord[];
  /** Undefined for a preview. */
  readonly id: string | undefined;
  /** Unix milliseconds. */
  readonly at: number;
  /** Whether a certificate that may not be on record is hit. */
  readonly hits: (certificate: RevocableCertificate) => boolean;
}

/** A revocation that is in force. */
interface Enacted {
  /** What it hit, once all records say so. */
  readonly marked: Promise<RevocationHit>;
}

/** A revocation that was asked for and is not in force yet. */
interface UnderWay {
  /** Of the certificates that it is about; undefined where it may be about any of them, or about identities. */
  readonly serials: ReadonlySet<string> | undefined;
  readonly done: Promise<unknown>;
}

/** Entries of certificates that become durable together. */
const RECORDED_AT_ONCE = 250;
/** How many of the certificates that are hit are shown. */
const NEWEST = 20;

/**
 * Where revocations are made: ledger and audit record first, then the revocation epoch, then the database; and only then they
 * are in force, and answered. One after the other.
 */
export class RevocationDesk {
  readonly #options: RevocationDeskOptions;
  #last: Promise<unknown> = Promise.resolve();
  readonly #underWay = new Set<UnderWay>();
  readonly #marking = new Set<Promise<unknown>>();

  constructor(options: RevocationDeskOptions) {
    this.#options = options;
  }

  /**
   * Resolves once every revocation that was asked for and may be about an identity, or about the certificate that is given, is in
   * force, or has failed. Of other certificates there may be thousands, which would take seconds.
   */
  async settled(serial?: string): Promise<void> {
    const isMeant = ({ serials }: UnderWay): boolean =>
      serials === undefined || (serial !== undefined && serials.has(serial));
    await Promise.all([...this.#underWay].filter(isMeant).map(({ done }) => done));
  }

  /** Resolves once the records of all certificates say so, too: of any number of them that takes seconds. */
  async marked(): Promise<void> {
    await this.#last;
    await Promise.all(this.#marking);
  }

  /**
   * All or nothing.
   * @throws RampartError NOT_FOUND for serials that are unknown or revoked, and unknown authorities; INVALID_ARGUMENT for
   * certificates of the hierarchy, identities of other trust domains and times to come; STORAGE_FAILED.
   */
  async revoke(order: RevocationOrder, by: Requester): Promise<RevocationHit> {
    const { marked } =
      order.kind === 'certificates'
        ? await this.#inTurn(
            async () => this.#revokeCertificates(await this.#certificates(order.serials), order, by),
            order.serials,
          )
        : await this.#inTurn(() => this.#revokeByRule(this.#termsOf(order), order, by));
    return marked;
  }

  /** What `revoke` would hit now. Throws what it would. */
  async preview(order: RevocationOrder): Promise<RevocationHit> {
    const at = this.#options.clock.now();
    if (order.kind === 'certificates') return hitOf(await this.#certificates(order.serials), { id: undefined, at });
    const terms = this.#termsOf(order);
    const { count, newest } = await this.#options.store.scopeContent(scopeOf(terms), at);
    return { ...ruleHit(terms), count, newest, id: undefined, at };
  }

  /** False when the serial is unknown or was revoked before. Throws INVALID_ARGUMENT for a certificate of the hierarchy. */
  async revokeSerial(serial: string, grounds: RevocationGrounds, by: Requester): Promise<boolean> {
    const enacted = await this.#inTurn(async () => {
      const certificate = await this.#options.store.certificate(normalizeSerial(serial));
      if (certificate === undefined || this.#options.inForce.ofRecord(certificate) !== undefined) return undefined;
      return this.#revokeCertificates([checkLeaf(certificate)], grounds, by);
    }, [serial]);
    await enacted?.marked;
    return enacted !== undefined;
  }

  /** What the hierarchy has revoked, and put on record, itself. */
  async revokeAuthority(certificate: CertificateRecord): Promise<void> {
    const enacted = await this.#inTurn(async () => {
      const { reason, by } = certificate.revocation ?? { reason: '', by: '' };
      const asked: Requester = { name: by, sourceIp: '' };
      const placed = this.#placed({ reason: reasonIn(reason), note: reason }, asked);
      await this.#enact({ ...placed, kind: 'certificates', certificates: [factsOf(certificate)] }, asked);
      // Data planes see the leaf of a peer, not always what signed it: they know that by its key.
      if (certificate.kind !== 'intermediate') return undefined;
      const terms = termsOfAuthority(certificate, this.#context());
      return this.#revokeByRule(terms, { reason: reasonIn(reason), note: reason }, asked);
    });
    await enacted?.marked;
  }

  /** Remembers that a key of JWT-SVIDs is revoked; the rest is done, and put on record, where the keys are. */
  revokeJwtKey({ keyId, notAfter }: Pick<JwtKeyRecord, 'keyId' | 'notAfter'>, by: Requester): Promise<void> {
    return this.#inTurn(async () => {
      const placed = this.#placed({ reason: 'unspecified', note: '' }, by);
      await this.#enact({ ...placed, kind: 'jwt-key', keyId, notAfter }, by);
    });
  }

  /** False when it was not barred. Throws INVALID_ARGUMENT. */
  lift({ spiffeId, note }: { readonly spiffeId: string; readonly note: string }, by: Requester): Promise<boolean> {
    return this.#inTurn(async () => {
      const { trustDomain, inForce, journal } = this.#options;
      const id = checkIdentity(spiffeId, trustDomain);
      if (!inForce.barred().includes(id)) return false;
      const act: LiftAct = { ...this.#placed({ reason: 'unspecified', note }, by), kind: 'lift', spiffeId: id };
      await Promise.all([journal.append('ledger', events.liftEntry(act)), journal.audit(events.liftEvent(act, by))]);
      await this.#enact(act, by);
      return true;
    });
  }

  #termsOf(order: Exclude<RevocationOrder, { kind: 'certificates' }>): RuleTerms {
    return termsOf(order, this.#context());
  }

  #context(): OrderContext {
    const { trustDomain, clock, hierarchy } = this.#options;
    return { trustDomain, now: clock.now(), authorities: () => hierarchy.describe() };
  }

  async #certificates(serials: readonly string[]): Promise<CertificateRecord[]> {
    const { store, inForce } = this.#options;
    if (serials.length === 0) throw new RampartError('INVALID_ARGUMENT', 'no serial number is given');
    const unique = [...new Set(serials.map(normalizeSerial))];
    const found = await store.certificatesOf(unique);
    const revocable = found.filter((certificate) => inForce.ofRecord(certificate) === undefined);
    if (revocable.length < unique.length) {
      const known = new Set(revocable.map(({ serial }) => serial));
      throw new RampartError('NOT_FOUND', irrevocable(unique.filter((serial) => !known.has(serial))));
    }
    return revocable.map(checkLeaf);
  }

  async #revokeCertificates(
    certificates: readonly CertificateRecord[],
    grounds: RevocationGrounds,
    by: Requester,
  ): Promise<Enacted> {
    const { journal, store } = this.#options;
    const draft = { kind: 'certificates', certificates: certificates.map(factsOf) } as const;
    const act: CertificatesAct = { ...this.#placed(grounds, by), ...draft };
    const revocation = revocationOf(act);
    for (let start = 0; start < certificates.length; start += RECORDED_AT_ONCE) {
      await Promise.all(
        certificates
          .slice(start, start + RECORDED_AT_ONCE)
          .flatMap((certificate) => [
            journal.append('ledger', { ...revocationEntry(certificate, revocation), revocation: act.id }),
            journal.audit(certificateRevoked(certificate, revocation.reason, by)),
          ]),
      );
    }
    await this.#enact(act, by);
    return this.#mark(async () => {
      const serials = certificates.map(({ serial }) => serial);
      await store.revokeCertificates(serials, revocation);
      return hitOf(certificates, act);
    });
  }

  async #revokeByRule(terms: RuleTerms, grounds: RevocationGrounds, by: Requester): Promise<Enacted> {
    const { journal, store, clock } = this.#options;
    const content = await store.scopeContent(scopeOf(terms), clock.now());
    const certificates = content.stragglers.map(factsOf);
    const act: RuleAct = { ...this.#placed(grounds, by), ...terms, certificates };
    await Promise.all([
      journal.append('ledger', events.ruleEntry(act)),
      journal.audit(events.ruleEvent(act, by, content.count)),
    ]);
    await this.#enact(act, by);
    return this.#mark(async () => {
      const count = await store.revokeScope(scopeOf(act), { ...revocationOf(act), rule: act.id });
      return { ...ruleHit(act), count, newest: content.newest, id: act.id, at: act.at };
    });
  }

  /** Data planes are told, and certificates issued, while the records of any number of certificates are changed. */
  #mark(work: () => Promise<RevocationHit>): Enacted {
    const marked = turn().then(work);
    const over = marked.then(
      () => undefined,
      () => undefined,
    );
    this.#marking.add(over);
    void over.then(() => this.#marking.delete(over));
    return { marked };
  }

  /** Durable apart from the database first: what is there is revoked, whatever becomes of the rest. */
  async #enact(act: RevocationAct, by: Requester): Promise<void> {
    const { epoch, acts, inForce, journal } = this.#options;
    try {
      await epoch.append(act);
    } catch (error) {
      await Promise.all([
        journal.append('ledger', events.failedEntry(events.unfinished(act))),
        journal.audit(events.failedEvent(act, by)),
      ]);
      throw error;
    }
    // From here on it is revoked, even if the database fails: the next start puts it there.
    try {
      await acts.addAct(act);
    } finally {
      inForce.enact(act);
    }
  }

  #placed(
    { reason, note }: RevocationGrounds,
    by: Pick<Requester, 'name'>,
  ): Pick<RevocationAct, 'id' | 'at' | 'by' | 'reason' | 'note'> {
    return { id: randomUUID(), at: this.#options.clock.now(), by: by.name, reason, note };
  }

  /** @param serials Of the certificates that it is about, where it is about nothing else. */
  #inTurn<T>(work: () => Promise<T>, serials?: readonly string[]): Promise<T> {
    const result = this.#last.then(work);
    const done = result.catch(() => undefined);
    this.#last = done;
    const underWay = { serials: serials && new Set(serials.map(normalizeSerial)), done };
    this.#underWay.add(underWay);
    void done.then(() => this.#underWay.delete(underWay));
    return result;
  }
}

function hitOf(
  certificates: readonly CertificateRecord[],
  { id, at }: { readonly id: string | undefined; readonly at: number },
): RevocationHit {
  const serials = new Set(certificates.map(({ serial }) => serial));
  return {
    count: serials.size,
    newest: certificates.slice(0, NEWEST),
    id,
    at,
    hits: ({ serial }) => serials.has(serial),
  };
}

function ruleHit(terms: RuleTerms): Pick<RevocationHit, 'hits'> {
  const rule = ruleOf({ ...terms, id: '', reason: 'unspecified' });
  return { hits: (certificate) => isRevokedBy(rule, certificate) };
}

function revocationOf(act: CertificatesAct | RuleAct): Revocation {
  return { at: act.at, reason: reasonText(act), by: act.by };
}

function irrevocable(serials: readonly string[]): string {
  const named = serials.slice(0, NEWEST).join(', ');
  const more = serials.length > NEWEST ? `, and ${serials.length - NEWEST} more` : '';
  return `no certificate that can still be revoked has the serial ${named}${more}; "rampart certs list" lists them, and nothing was revoked`;
}

function checkLeaf(certificate: CertificateRecord): CertificateRecord {
  if (certificate.kind !== 'root' && certificate.kind !== 'intermediate') return certificate;
  throw new RampartError(
    'INVALID_ARGUMENT',
    `certificate ${certificate.serial} is the ${certificate.kind} of this authority; replace it first: rampart ca taint, then rampart ca revoke`,
  );
}
