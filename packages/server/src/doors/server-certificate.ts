import type { Authority, IssuedSvid } from '@rampart/authority';
import { type Clock, type Random, SpiffeId, type Timer } from '@rampart/core';
import type { DiscoverySigner } from '@rampart/spiffe/http-signature';
import { generateKeyPair, parseCertificate, type RevocableCertificate, toPem } from '@rampart/spiffe';
import { SERVER_ACCOUNT } from '../resources/issuability.ts';
import type { DoorCredentials } from './tls.ts';

export interface ServerCertificateOptions {
  readonly authority: Authority;
  readonly rootNamespace: string;
  /** Address the door listens on, if clients are to reach it under that. */
  readonly host: string;
  readonly clock: Clock;
  readonly random: Random;
  use(credentials: DoorCredentials, signer: DiscoverySigner): void;
  failed(error: unknown): void;
}

const RETRY_MS = 30_000;
const UNSPECIFIED = new Set(['0.0.0.0', '::']);

/** Certifies the door under the control plane's own identity, and again at half of each certificate's life. */
export class ServerCertificate {
  readonly #options: ServerCertificateOptions;
  #timer: Timer | undefined;
  /** Serial of the authority that signed it. */
  #issuer = '';
  #own: RevocableCertificate | undefined;
  #notBefore = 0;
  #renewAt = 0;
  #stopped = false;

  private constructor(options: ServerCertificateOptions) {
    this.#options = options;
  }

  /** Resolves once the first certificate is in use. */
  static async start(options: ServerCertificateOptions): Promise<ServerCertificate> {
    const certificate = new ServerCertificate(options);
    await certificate.#renew();
    return certificate;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Gets a new one now if it stands on one of these authorities. */
  replace(authorities: readonly string[]): void {
    if (!authorities.includes(this.#issuer)) return;
    this.#plan(0);
  }

  /** Gets a new one now if it is revoked. */
  replaceRevoked(isRevoked: (own: RevocableCertificate) => boolean): void {
    if (this.#own !== undefined && isRevoked(this.#own)) this.#plan(0);
  }

  /** Gets a new one now if the clock has jumped past its renewal, or to before its beginning. */
  check(): void {
    const now = this.#options.clock.now();
    if (now < this.#notBefore || now > this.#renewAt + RETRY_MS) this.#plan(0);
  }

  async #renew(): Promise<void> {
    const { authority, rootNamespace, host, clock, random } = this.#options;
    const keyPair = generateKeyPair();
    const { trustDomain } = authority.bundle();
    const publicKeyDer = keyPair.publicKey.export({ type: 'spki', format: 'der' });
    const issued = await authority.issueServerCertificate(publicKeyDer, {
      spiffeId: SpiffeId.forWorkload(trustDomain, rootNamespace, SERVER_ACCOUNT),
      dnsNames: ['localhost'],
      ipAddresses: [...new Set(['127.0.0.1', '::1', ...(isAddress(host) ? [host] : [])])],
      ...(this.#own === undefined ? {} : { replaces: this.#own.serial }),
    });
    this.#options.use(
      { certificateChain: issued.chain.map((der) => toPem(der)).join(''), privateKey: keyPair.privateKeyPem() },
      { ...keyPair, chain: issued.chain, spiffeId: issued.spiffeId },
    );
    this.#own = ownOf(issued);
    this.#issuer = issued.issuerSerial;
    // Jitter keeps replicas that started together from renewing together.
    const wait = ((issued.notAfter - clock.now()) / 2) * (0.9 + 0.2 * random());
    this.#notBefore = issued.notBefore;
    this.#renewAt = clock.now() + wait;
    this.#plan(wait);
  }

  #plan(delayMs: number): void {
    this.#timer?.cancel();
    if (this.#stopped) {
      return;
    }
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#renew().catch((error: unknown) => {
        this.#options.failed(error);
        this.#plan(RETRY_MS);
      });
    });
  }
}

function isAddress(host: string): boolean {
  return /^[\d.]+$|:/.test(host) && !UNSPECIFIED.has(host);
}

function ownOf({ chain, serial, spiffeId, notBefore }: IssuedSvid): RevocableCertificate {
  const leaf = parseCertificate(chain[0]);
  return { serial, spiffeId, notBefore, authorityKeyId: leaf.ok ? leaf.value.authorityKeyId : undefined };
}
