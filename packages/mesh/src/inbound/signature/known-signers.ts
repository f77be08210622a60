import { hash } from 'node:crypto';

import { BoundedCache, fail, ok } from '@rampart/core';
import type { Clock, Result, TrustDomain } from '@rampart/core';
import type { HttpSignatureProblem, signerOfChain, TrustedSigner } from '@rampart/spiffe/http-signature';

import { identifyByChain } from '../../identity/peer.ts';
import type { ChainRules, PeerIdentity } from '../../identity/peer.ts';
import type { SvidSource } from '../../identity/svid-source.ts';
import type { MeshView } from '../../view/mesh-view.ts';

export interface KnownSignersOptions {
  readonly view: MeshView;
  readonly identity: SvidSource;
  readonly clock: Pick<Clock, 'now'>;
}

interface Known {
  readonly signer: TrustedSigner;
  readonly peer: PeerIdentity;
  /** What its chain was judged by; another bundle is another array. */
  readonly roots: readonly Uint8Array[];
  /** Unix milliseconds. */
  readonly judgedAt: number;
}

type Judgement = Result<TrustedSigner, HttpSignatureProblem>;

/** Callers sign thousands of requests with one certificate. */
const MOST = 1000;

/**
 * Whose certificates come with requests. Signatures of a chain are judged once, as long as its roots are the same and all of it
 * is valid; whether it is revoked is asked each time.
 */
export class KnownSigners {
  readonly #options: KnownSignersOptions;
  /** By digest of the field that a chain came in. */
  readonly #known = new BoundedCache<string, Known>(MOST);

  constructor(options: KnownSignersOptions) {
    this.#options = options;
  }

  /** `read` comes from outside: it is loaded where a policy asks for signatures. */
  signerOf(chain: string, read: typeof signerOfChain): Judgement {
    const rules = this.#rules();
    if (rules === undefined) return refused('this workload has no trust bundle yet');
    const name = hash('sha256', chain, 'base64');
    const known = this.#known.get(name);
    if (known === undefined || !isStill(known, rules)) return this.#judge(name, chain, { read, rules });
    const revocation = rules.revocationOf(known.peer);
    return revocation === undefined ? ok(known.signer) : refused(revocation);
  }

  #judge(
    name: string,
    chain: string,
    { read, rules }: { readonly read: typeof signerOfChain; readonly rules: ChainRules },
  ): Judgement {
    let peer: PeerIdentity | undefined;
    const judged = read(chain, (certificates) => {
      const identified = identifyByChain(certificates, rules);
      if (!identified.ok) return fail(identified.problem.message);
      peer = identified.value;
      return ok(peer.spiffeId);
    });
    const roots = peer === undefined ? undefined : rootsFor(peer.spiffeId.trustDomain, rules);
    if (judged.ok && peer !== undefined && roots !== undefined)
      this.#known.set(name, { signer: judged.value, peer, roots, judgedAt: rules.now() });
    return judged;
  }

  #rules(): ChainRules | undefined {
    const { identity, view, clock } = this.#options;
    const svid = identity.current;
    if (svid === undefined) return undefined;
    const { trustDomain, roots } = svid.bundle;
    return {
      trustDomain,
      roots,
      foreignRootsOf: (domain) => view.foreignTrust.rootsOf(domain),
      revocationOf: (certificate) => view.revocationOf(certificate),
      now: () => clock.now(),
    };
  }
}

function isStill({ peer, roots, judgedAt }: Known, rules: ChainRules): boolean {
  const now = rules.now();
  // A clock that was put back may stand before a certificate of the chain is valid.
  return now >= judgedAt && now <= peer.notAfter && rootsFor(peer.spiffeId.trustDomain, rules) === roots;
}

function rootsFor(domain: TrustDomain, rules: ChainRules): readonly Uint8Array[] | undefined {
  return domain.equals(rules.trustDomain) ? rules.roots : rules.foreignRootsOf(domain);
}

function refused(why: string): Judgement {
  return fail({ code: 'UNKNOWN_KEY', message: `the certificate of the signature is refused: ${why}` });
}
