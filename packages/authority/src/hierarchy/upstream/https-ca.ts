import { RampartError } from '@rampart/core';
import { fromPem, toPem } from '@rampart/spiffe';
import type { AskOutside } from '../../outside/ask.ts';
import { askOutside } from '../../outside/https-client.ts';
import type { ExternalCa } from './upstream.ts';

/** A CA behind HTTPS: it is sent a signing request and answers with a chain. */
export interface HttpsCaOptions {
  readonly url: URL;
  /** PEM: the only roots that its own certificate may come from. */
  readonly tlsRoots: string;
  /** DER: the only roots that the chains it gives may end in. */
  readonly roots: readonly Uint8Array[];
  /** Over HTTPS unless given. */
  readonly ask?: AskOutside;
  /** Bearer token, asked for at each call; undefined where it needs none. */
  token(): Promise<string | undefined>;
}

const LONGEST_REASON = 200;

/**
 * The plug point for an external CA: `POST` of the PEM signing request as `application/x-pem-file`; 200 with the PEM chain,
 * intermediate first, the root left out or last. Anything else is a refusal.
 */
export function httpsCa({ url, tlsRoots, roots, ask = askOutside, token }: HttpsCaOptions): ExternalCa {
  const name = `${url.origin}${url.pathname}`;
  return {
    name,
    roots,
    sign: async (csr) => {
      const bearer = await token();
      const headers = {
        'content-type': 'application/x-pem-file',
        accept: 'application/pem-certificate-chain',
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      };
      const body = new TextEncoder().encode(toPem(csr, 'CERTIFICATE REQUEST'));
      const { status, text } = await ask({ method: 'POST', url, headers, body, roots: tlsRoots }).catch(
        (cause: unknown) => {
          const why = cause instanceof Error ? cause.message : 'unexpected failure';
          throw unreachable(`the external CA could not be asked: ${why}`, cause);
        },
      );
      if (status !== 200) {
        const reason = JSON.stringify(text.slice(0, LONGEST_REASON));
        throw unreachable(`the external CA at ${name} answered ${status}`, undefined, reason);
      }
      return chainOf(text, name);
    },
  };
}

function chainOf(text: string, name: string): readonly Uint8Array[] {
  const chain = fromPem(text);
  if (chain.length > 0) return chain;
  throw new RampartError('INVALID_CERTIFICATE', `the external CA at ${name} answered without a PEM certificate`);
}

function unreachable(what: string, cause: unknown, detail?: string): RampartError {
  return new RampartError('UPSTREAM_UNREACHABLE', `${what}; check its address, token and certificate, and its log`, {
    ...(cause === undefined ? {} : { cause }),
    ...(detail === undefined ? {} : { detail }),
  });
}
