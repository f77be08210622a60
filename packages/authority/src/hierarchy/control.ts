import type { Requester } from '../authority.ts';
import type { AuthorityState, CaCertificateRecord } from '../store.ts';

/** An authority as operators see it. All times are Unix milliseconds. */
export interface AuthorityDescription {
  readonly kind: 'root' | 'intermediate';
  /** Lower-case hex. */
  readonly serial: string;
  readonly name: string;
  readonly state: AuthorityState;
  readonly since: number;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly der: Uint8Array;
  /** Serial of the root that it is below; its own for a root. */
  readonly root: string;
  /** Whether its key can be used here. */
  readonly canSign: boolean;
  /** For the active ones: when the next is prepared and takes over by itself. */
  readonly prepareAt: number | undefined;
  readonly activateAt: number | undefined;
}

/** How a hierarchy is. */
export interface HierarchyStatus {
  /** Who signs its intermediates: "own", "root", "external", "by-hand". */
  readonly upstream: string;
  /** In words: what somebody should look after. */
  readonly warnings: readonly string[];
  /** When the signing request was made that is out; undefined without one. */
  readonly requestedAt: number | undefined;
}

/** A change that relying parties or data planes must hear of. */
export interface HierarchyEvent {
  /** The roots in the trust bundle are others than before. */
  readonly bundle: boolean;
  /** Serials of authorities whose leaves are to be replaced now. */
  readonly tainted: readonly string[];
}

/** Hears of changes once they are durable. */
export type HierarchyListener = (event: HierarchyEvent) => void;

/** Which authority is meant, and why. */
export interface Target {
  readonly serial: string;
  readonly reason: string;
}

/** Which authority takes over: the only prepared one of a kind, or the one with this serial. */
export interface Activation {
  readonly kind: CaCertificateRecord['kind'];
  /** "" for the only prepared one. */
  readonly serial: string;
  /** Not waiting until everybody has surely heard of a new root. */
  readonly now: boolean;
}

/** What operators do with the authorities of a trust domain. Every step is in the ledger and on the audit record. */
export interface HierarchyControl {
  /** How it is, beside its authorities. */
  status(): HierarchyStatus;
  /** Oldest first, revoked and retired ones too. */
  describe(): readonly AuthorityDescription[];
  /**
   * Makes the next authority without using it yet; a root is published in the trust bundle at once.
   * @throws RampartError ALREADY_EXISTS when one is waiting, INVALID_ARGUMENT when it is signed by hand or kept elsewhere.
   */
  prepare(kind: CaCertificateRecord['kind'], by: Requester): Promise<AuthorityDescription>;
  /**
   * Publishes a root (DER) whose key is kept elsewhere, before anything that it signed is used; it takes over with the first
   * intermediate below it that is activated. The caller vouches for it.
   * @throws RampartError ALREADY_EXISTS, INVALID_CERTIFICATE.
   */
  publish(root: Uint8Array, by: Requester): Promise<AuthorityDescription>;
  /**
   * Lets a prepared authority sign, in the place of the one that did.
   * @throws RampartError NOT_FOUND; INVALID_ARGUMENT when it is not prepared, not valid now, or published too short a time ago.
   */
  activate(activation: Activation, by: Requester): Promise<AuthorityDescription>;
  /**
   * Has everything that an authority signed replaced at once; a tainted root taints what is below it. The active one is
   * replaced first where that can be done here.
   * @throws RampartError NOT_FOUND, INVALID_ARGUMENT.
   */
  taint(target: Target, by: Requester): Promise<AuthorityDescription>;
  /**
   * Refuses everything that a tainted authority signed, for good; a root leaves the trust bundle. One that was only prepared
   * may be revoked too.
   * @throws RampartError NOT_FOUND, INVALID_ARGUMENT.
   */
  revoke(target: Target, by: Requester): Promise<AuthorityDescription>;
  /**
   * A signing request (PKCS#10, DER) for the next intermediate, for whoever signs it elsewhere. The same one until it is
   * installed, unless a fresh one is asked for.
   */
  request(fresh: boolean, by: Requester): Promise<Uint8Array>;
  /**
   * Takes the chain (DER, intermediate first, root last) that came back for the request; it is prepared then, and a new root is
   * published. The caller vouches for that root.
   * @throws RampartError NOT_FOUND when nothing was asked for, INVALID_CERTIFICATE.
   */
  install(chain: readonly Uint8Array[], by: Requester): Promise<AuthorityDescription>;
  /** Does what the rules of rotation ask for now. Never throws: what failed is on the audit record and tried again. */
  tend(): Promise<void>;
  /** Whether leaves of the authority with this serial are to be replaced now. */
  isTainted(serial: string): boolean;
  /** Their subject key identifiers, lower-case hex. */
  taintedKeyIds(): readonly string[];
  onChange(listener: HierarchyListener): () => void;
}
