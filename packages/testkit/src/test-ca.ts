import { sign } from 'node:crypto';

import { SpiffeId, TrustDomain } from '@rampart/core';
import { buildCertificate, generateKeyPair, parseCertificate, randomSerial, toPem } from '@rampart/spiffe';
import type { KeyPair, ParsedCertificate, ServerTemplate, WorkloadTemplate } from '@rampart/spiffe';

const HOUR_MS = 3_600_000;
const CUSHION_MS = 10_000;

/** A leaf with its key, ready for `node:tls`. */
export interface TestSvid {
  readonly spiffeId: SpiffeId;
  readonly der: Uint8Array;
  readonly keyPair: KeyPair;
  readonly certPem: string;
  readonly keyPem: string;
  readonly notBefore: number;
  readonly notAfter: number;
  /** Lower-case hex. */
  readonly serial: string;
}

export interface TestSvidOptions {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly notBefore?: number;
  readonly notAfter?: number;
}

export interface TestServerOptions {
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
}

/** A certificate authority for tests: one root, leaves with exact profiles, no server. */
export class TestCa {
  readonly trustDomain: TrustDomain;
  readonly rootDer: Uint8Array;
  readonly rootPem: string;
  readonly rootKey: KeyPair;
  readonly #issuer: ParsedCertificate;

  private constructor(trustDomain: TrustDomain, rootDer: Uint8Array, rootKey: KeyPair) {
    const parsed = parseCertificate(rootDer);
    if (!parsed.ok) throw new Error(parsed.problem);
    this.trustDomain = trustDomain;
    this.rootDer = rootDer;
    this.rootPem = toPem(rootDer);
    this.rootKey = rootKey;
    this.#issuer = parsed.value;
  }

  /** @param now Unix milliseconds that validity starts around. */
  static async create(trustDomain: string, now: number): Promise<TestCa> {
    const domain = TrustDomain.of(trustDomain);
    const key = generateKeyPair();
    const { der } = await buildCertificate(
      {
        kind: 'root',
        serial: randomSerial(),
        publicKeyDer: spki(key),
        trustDomain: domain,
        commonName: `test root of ${trustDomain}`,
        notBefore: now - 24 * HOUR_MS,
        notAfter: now + 240 * HOUR_MS,
      },
      signer(key),
    );
    return new TestCa(domain, der, key);
  }

  issue(now: number, options: TestSvidOptions): Promise<TestSvid> {
    const spiffeId = SpiffeId.forWorkload(this.trustDomain, options.namespace, options.serviceAccount);
    const validity = {
      notBefore: options.notBefore ?? now - CUSHION_MS,
      notAfter: options.notAfter ?? now + HOUR_MS,
    };
    return this.#build({ kind: 'workload', spiffeId, ...validity });
  }

  /** A certificate that clients can check by host name or address too. */
  issueServer(now: number, { dnsNames = [], ipAddresses = [] }: TestServerOptions): Promise<TestSvid> {
    const spiffeId = SpiffeId.forWorkload(this.trustDomain, 'test', 'server');
    const validity = { notBefore: now - CUSHION_MS, notAfter: now + HOUR_MS };
    return this.#build({ kind: 'server', spiffeId, dnsNames, ipAddresses, ...validity });
  }

  async #build(template: Leaf): Promise<TestSvid> {
    const keyPair = generateKeyPair();
    const { spiffeId } = template;
    const common = { serial: randomSerial(), publicKeyDer: spki(keyPair), issuer: this.#issuer };
    const certificate = await buildCertificate({ ...template, ...common }, signer(this.rootKey));
    const { der, serial, notBefore, notAfter } = certificate;
    return {
      spiffeId,
      der,
      keyPair,
      certPem: toPem(der),
      keyPem: keyPair.privateKeyPem(),
      serial,
      notBefore,
      notAfter,
    };
  }
}

type Leaf = Omit<WorkloadTemplate, Common> | Omit<ServerTemplate, Common>;
type Common = 'serial' | 'publicKeyDer' | 'issuer';

function signer(key: KeyPair): (tbs: Uint8Array) => Uint8Array {
  return (tbs) => new Uint8Array(sign('sha256', tbs, key.privateKey));
}

function spki(key: KeyPair): Uint8Array {
  return new Uint8Array(key.publicKey.export({ type: 'spki', format: 'der' }));
}
