import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';

import type { Clock } from '@rampart/core';
import { fromPem } from '@rampart/spiffe';
import type { RequestSigner } from '@rampart/spiffe/http-signature';

import type { SvidSource } from '../../identity/svid-source.ts';
import type { Svid } from '../../identity/svid.ts';
import type { MeshService } from '../../view/endpoint.ts';
import type { MeshView } from '../../view/mesh-view.ts';

/** A request as it leaves. */
export interface RequestToSign {
  readonly method: string;
  /** In origin form. */
  readonly target: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
}

/** The headers of a request with its signature among them; each is of a nonce of its own. */
export type SignHeaders = (request: RequestToSign, content: Uint8Array) => string[];

/** What a request to a service is signed with. */
export interface OutgoingSignature {
  /** Larger bodies cannot be signed. */
  readonly maxBodyBytes: number;
  load(): Promise<SignHeaders>;
}

export interface OutgoingSignaturesOptions {
  readonly view: MeshView;
  readonly identity: SvidSource;
  readonly clock: Pick<Clock, 'now'>;
}

const MAX_BODY_BYTES = 1_048_576;
/** Whoever asks for less says so at the other end. */
const LIFETIME_MS = 60_000;
const NONCE_BYTES = 18;

/** Signs requests to services whose policies ask their callers for it, with the key of this workload's SVID. */
export class OutgoingSignatures {
  readonly #options: OutgoingSignaturesOptions;
  #signer: { readonly serial: string; readonly signer: RequestSigner } | undefined;

  constructor(options: OutgoingSignaturesOptions) {
    this.#options = options;
  }

  /** One look: undefined where nobody asks for a signature. */
  about({ host }: MeshService): OutgoingSignature | undefined {
    const components = this.#options.view.signing.componentsOf(host);
    return components && { maxBodyBytes: MAX_BODY_BYTES, load: () => this.#load(components) };
  }

  async #load(components: readonly string[]): Promise<SignHeaders> {
    const { REQUEST_TAG, SIGNING_CHAIN_FIELD, signRequest } = await import('@rampart/spiffe/http-signature');
    return ({ method, target, headers }, content) => {
      const svid = this.#options.identity.current;
      // Who signs its requests itself has said all there is to say.
      if (svid === undefined || valuesOf(headers, 'signature-input').join().includes(`tag="${REQUEST_TAG}"`))
        return [...headers];
      const [host = ''] = valuesOf(headers, 'host');
      const request = { method, url: `https://${host}${target}`, fields: (name: string) => valuesOf(headers, name) };
      const added = signRequest(request, content, {
        signer: this.#signerOf(svid),
        components,
        nonce: randomBytes(NONCE_BYTES).toString('base64url'),
        now: this.#options.clock.now(),
        lifetimeMs: LIFETIME_MS,
      });
      const replaced = new Set([SIGNING_CHAIN_FIELD, ...(content.length > 0 ? ['content-digest'] : [])]);
      const kept = headers.filter((_, index) => !replaced.has((headers[index - (index % 2)] ?? '').toLowerCase()));
      return [...kept, ...Object.entries(added).flat()];
    };
  }

  #signerOf(svid: Svid): RequestSigner {
    if (this.#signer?.serial !== svid.serial) {
      const privateKey = createPrivateKey(svid.tls.key);
      const signer = {
        spiffeId: svid.spiffeId,
        chain: fromPem(svid.tls.cert),
        privateKey,
        publicKey: createPublicKey(privateKey),
      };
      this.#signer = { serial: svid.serial, signer };
    }
    return this.#signer.signer;
  }
}

function valuesOf(headers: readonly string[], name: string): string[] {
  return headers.filter((_, index) => index % 2 === 1 && headers[index - 1]?.toLowerCase() === name);
}
