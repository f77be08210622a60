import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import type { Authority } from '@rampart/authority';
import { type Clock, fail, isAgentId, ok, type Result, type SpiffeId } from '@rampart/core';
import { type RevocableCertificate, type SvidProblem, type TrustBundle, verifySvid } from '@rampart/spiffe';

/** Who is at the other end of a connection, proved by a certificate of this mesh. */
export interface Holder {
  readonly id: SpiffeId;
  /** Of its certificate, lower-case hex. */
  readonly serial: string;
  /** Serials of the authorities between it and its root. */
  readonly issuerSerials: readonly string[];
  /** What revocation rules judge it by. */
  readonly certificate: RevocableCertificate;
  /** End of what proves it, Unix milliseconds. */
  readonly notAfter: number;
}

/** A workload at the other end. */
export interface Peer extends Holder {
  readonly namespace: string;
}

export interface PeerVerifierOptions {
  readonly clock: Clock;
  bundle(): TrustBundle;
  /** Asked for lower-case hex serials. */
  isRevoked(serial: string): boolean;
  /** Why the certificate of a peer is revoked; undefined when it is not. */
  revocationOf(certificate: RevocableCertificate): string | undefined;
}

const LONGEST_CHAIN = 8;

/** Judges client certificates. TLS asks for them but does not judge: the rules of SPIFFE are held here, and only here. */
export class PeerVerifier {
  readonly #options: PeerVerifierOptions;
  /** Signatures are checked once a connection; time and revocation are asked each time. */
  readonly #verified = new WeakMap<
    TLSSocket,
    { readonly sequence: number; readonly outcome: Result<Holder, SvidProblem> }
  >();

  constructor(options: PeerVerifierOptions) {
    this.#options = options;
  }

  verify(socket: TLSSocket): Result<Holder, SvidProblem> {
    const outcome = this.#chainOutcome(socket);
    if (!outcome.ok) {
      return outcome;
    }
    const peer = outcome.value;
    if (this.#options.clock.now() >= peer.notAfter) {
      return fail({
        code: 'EXPIRED',
        message: `the certificate of ${peer.id.toString()} ended at ${new Date(peer.notAfter).toISOString()}`,
      });
    }
    const revoked = peer.issuerSerials.find((serial) => this.#options.isRevoked(serial));
    if (revoked !== undefined) {
      return fail({ code: 'REVOKED', message: `the authority ${revoked} of ${peer.id.toString()} is revoked` });
    }
    const revocation = this.#options.revocationOf(peer.certificate);
    return revocation === undefined ? outcome : fail({ code: 'REVOKED', message: revocation });
  }

  #chainOutcome(socket: TLSSocket): Result<Holder, SvidProblem> {
    const { sequence } = this.#options.bundle();
    const known = this.#verified.get(socket);
    if (known?.sequence === sequence) {
      return known.outcome;
    }
    const outcome = this.#judge(presentedChain(socket));
    this.#verified.set(socket, { sequence, outcome });
    return outcome;
  }

  #judge(chain: readonly Uint8Array[]): Result<Holder, SvidProblem> {
    if (chain.length === 0) {
      return fail({ code: 'NO_CERTIFICATE', message: 'this method needs a client certificate of this mesh' });
    }
    const { clock, bundle } = this.#options;
    const { roots, trustDomain } = bundle();
    const verified = verifySvid(chain, { roots, trustDomain, at: clock.now() });
    if (!verified.ok) {
      return verified;
    }
    const { spiffeId: id, leaf, issuerSerials, notAfter } = verified.value;
    if (id.namespace === undefined && !isAgentId(id)) {
      return fail({
        code: 'NOT_A_SPIFFE_ID',
        message: `${id.toString()} names neither a workload (/ns/<namespace>/sa/<service account>) nor an agent`,
      });
    }
    const { serial, notBefore, authorityKeyId } = leaf;
    return ok({
      id,
      serial,
      certificate: { serial, spiffeId: id, notBefore, authorityKeyId },
      issuerSerials,
      notAfter,
    });
  }
}

/** Judges by the bundle and the revocations of an authority. */
export function peerVerifier(
  clock: Clock,
  authority: Pick<Authority, 'bundle' | 'isRevoked' | 'revocations'>,
): PeerVerifier {
  return new PeerVerifier({
    clock,
    bundle: () => authority.bundle(),
    isRevoked: (serial) => authority.isRevoked(serial),
    revocationOf: (certificate) => authority.revocations.of(certificate),
  });
}

/** DER certificates that the peer sent, leaf first. */
function presentedChain(socket: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = [];
  const seen = new Set<object>();
  let certificate: Partial<DetailedPeerCertificate> = socket.getPeerCertificate(true);
  // Without a certificate Node answers with an empty object; a self-signed one is its own issuer.
  while (certificate.raw !== undefined && !seen.has(certificate) && chain.length < LONGEST_CHAIN) {
    seen.add(certificate);
    chain.push(certificate.raw);
    certificate = certificate.issuerCertificate ?? {};
  }
  return chain;
}
