import type { SpiffeId } from '@rampart/core';
import type { JwtAuthority } from '@rampart/spiffe';
import type { JwtKeyRecord } from './store.ts';

/** Who asks: the SPIFFE ID of a workload or an agent, or an operator's name. */
export interface JwtRequester {
  readonly requestedBy: string;
  readonly sourceIp: string;
}

/** A JWT-SVID that is asked for. */
export interface JwtSvidRequest extends JwtRequester {
  readonly spiffeId: SpiffeId;
  /** At least one, none of them empty. */
  readonly audiences: readonly string[];
  /** The default of the authority unless given; cut down to its maximum and to the life of the signing key. */
  readonly ttlMs?: number;
  /** What was issued before this, Unix milliseconds, is revoked: `iat` is no earlier. */
  readonly issuedFrom?: number;
  /** "namespace/name" of the registration entry, where one gives the right. */
  readonly entryId?: string;
}

/** A JWT-SVID that may be handed out: it is in the ledger. */
export interface IssuedJwtSvid {
  /** JWS compact serialization. Secret. */
  readonly token: string;
  readonly spiffeId: SpiffeId;
  /** `jti` */
  readonly id: string;
  readonly keyId: string;
  /** Unix milliseconds. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** Issues JWT-SVIDs; what whoever hands them out needs to know. */
export interface JwtSvidIssuer {
  /**
   * Resolves once ledger entry and audit record are durable.
   * @throws RampartError INVALID_ARGUMENT for an identity without path or of another trust domain, for no audience, and for an
   * `issuedFrom` that lies a minute ahead or more: a clock was set back.
   * @throws RampartError STORAGE_FAILED, KEY_UNREADABLE, UPSTREAM_UNREACHABLE; the token is then not issued.
   */
  issue(request: JwtSvidRequest): Promise<IssuedJwtSvid>;
}

/** The keys of JWT-SVIDs: made before they sign, in the bundle until their last token has ended. */
export interface JwtAuthorities extends JwtSvidIssuer {
  /** No token lives longer, whoever asks, milliseconds. */
  readonly longestSvidMs: number;
  /** The keys in the trust bundle now. */
  authorities(): readonly JwtAuthority[];
  /** Every key there ever was, oldest first. */
  keys(): readonly JwtKeyRecord[];
  /** The key that signs now. */
  signingKeyId(): string;
  /** Grows with every change of `authorities()`, over restarts too. */
  readonly sequence: number;
  /** Does what is due: prepares a successor, retires what has ended. Gives the Unix milliseconds at which to come again. */
  keepCurrent(): Promise<number>;
  /** Makes a successor at once; it signs once it has been published for long enough. While one is under way, that one. */
  rotate(by: JwtRequester): Promise<JwtKeyRecord>;
  /** `keep` remembers that a key is revoked, before anything else is done about it. */
  onRevoking(keep: (key: JwtKeyRecord, by: JwtRequester) => Promise<void>): void;
  /**
   * Takes a key out of the bundle at once, and with it every token that it signed; another key signs from here on.
   * False when there is no such key, or it left before.
   */
  revoke(keyId: string, by: JwtRequester): Promise<boolean>;
  /** Calls back after every change of `authorities()`; returns how to end it. */
  onChanged(listener: () => void): () => void;
}
