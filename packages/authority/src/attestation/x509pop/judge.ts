import { ok, selectorTextProblem } from '@rampart/core';
import type { Attestor, Result, TrustDomain } from '@rampart/core';
import { fromPem, verifyPossession } from '@rampart/spiffe';
import type { Challenges } from '../challenges.ts';
import { disbelieve } from '../evidence.ts';
import type { AttestationContext, Attested, EvidenceProblem, X509PopEvidence } from '../evidence.ts';
import { readForeign, verifyForeignChain } from './foreign-chain.ts';
import type { ForeignCertificate, ForeignPath } from './foreign-chain.ts';

export interface X509PopJudgeOptions {
  readonly trustDomain: TrustDomain;
  readonly challenges: Challenges;
  attestors(): readonly Attestor[];
}

type X509PopSpec = NonNullable<Attestor['spec']['x509pop']>;

/** SPIRE's defaults. */
const MAX_INTERMEDIATES = 4;
const MAX_RSA_BITS = 8192;
/** A certificate may have thousands of names; what vouches for a holder is kept with each of its certificates. */
const MAX_SELECTORS = 256;

/** Believes holders of certificates of other authorities: the chain leads to a root of an attestor, the key is at hand now. */
export class X509PopJudge {
  readonly #options: X509PopJudgeOptions;
  readonly #roots = new WeakMap<X509PopSpec, readonly ForeignCertificate[]>();

  constructor(options: X509PopJudgeOptions) {
    this.#options = options;
  }

  judge(evidence: X509PopEvidence, { csr, now }: AttestationContext): Result<Attested, EvidenceProblem> {
    const { challenges, trustDomain } = this.#options;
    const once = challenges.check(evidence.nonce);
    if (!once.ok) return once;
    const trusted = this.#pathOf(evidence.chain, now);
    if (!trusted.ok) return trusted;
    const { attestor, path } = trusted.value;
    const [leaf] = path;
    const { nonce, signature } = evidence;
    const binding = { label: 'rampart x509pop v1', trustDomain: trustDomain.name, nonce, csr } as const;
    if (!verifyPossession(leaf.x509.publicKey, binding, signature)) {
      return disbelieve(
        'x509pop-proof',
        'the signature over nonce and request was not made by the key of the certificate',
      );
    }
    return ok({
      attestor,
      selectors: selectorsOf(path, attestor),
      agentPath: `x509pop/${fingerprintOf(leaf)}`,
      once: once.value,
    });
  }

  #pathOf(
    chain: readonly Uint8Array[],
    at: number,
  ): Result<{ readonly attestor: Attestor; readonly path: ForeignPath }, EvidenceProblem> {
    let refusal = disbelieve('x509pop-no-attestor', 'no attestor here takes certificates');
    for (const attestor of this.#options.attestors()) {
      const { x509pop } = attestor.spec;
      if (x509pop === undefined) continue;
      const { maxIntermediates = MAX_INTERMEDIATES, maxRsaBits = MAX_RSA_BITS } = x509pop;
      const path = verifyForeignChain(chain, { roots: this.#rootsOf(x509pop), maxIntermediates, maxRsaBits, at });
      if (path.ok) return ok({ attestor, path: path.value });
      refusal = path;
    }
    return refusal;
  }

  #rootsOf(spec: X509PopSpec): readonly ForeignCertificate[] {
    const known = this.#roots.get(spec);
    if (known !== undefined) return known;
    const roots = fromPem(spec.roots)
      .map(readForeign)
      .flatMap((root) => (root.ok ? [root.value] : []));
    this.#roots.set(spec, roots);
    return roots;
  }
}

/** "x509pop:subject:cn:…" and the like, by SPIRE's names; fingerprints are SHA-256. */
function selectorsOf([leaf, ...issuers]: ForeignPath, { metadata }: Attestor): string[] {
  const names: unknown = leaf.x509.toLegacyObject().subject?.CN ?? [];
  const commonNames = (Array.isArray(names) ? names : [names]).filter((name) => typeof name === 'string');
  const { serial, dnsSans, uriSans, ipSans } = leaf.parsed;
  const selectors = [
    `attestor:${metadata.name}`,
    `fingerprint:${fingerprintOf(leaf)}`,
    `serialnumber:${serial}`,
    ...commonNames.map((name) => `subject:cn:${name}`),
    ...issuers.map((issuer) => `ca:fingerprint:${fingerprintOf(issuer)}`),
    ...dnsSans.map((name) => `san:dns:${name}`),
    ...uriSans.map((uri) => `san:uri:${uri}`),
    ...ipSans.map((address) => `san:ip:${address}`),
  ];
  const texts = selectors.slice(0, MAX_SELECTORS).map((selector) => `x509pop:${selector}`);
  return texts.filter((text) => selectorTextProblem(text) === undefined);
}

/** Lower-case hex without colons. */
function fingerprintOf({ x509 }: ForeignCertificate): string {
  return x509.fingerprint256.replaceAll(':', '').toLowerCase();
}
