import { Code, ConnectError } from '@connectrpc/connect';
import type { UniversalHandlerFn, UniversalServerRequest, UniversalServerResponse } from '@connectrpc/connect/protocol';
import { errorToJsonBytes } from '@connectrpc/connect/protocol-connect';
import type { Clock } from '@rampart/core';
import {
  type DiscoverySigner,
  fieldsOf,
  isContentOf,
  signatureAskedFor,
  signDiscovery,
} from '@rampart/spiffe/http-signature';
import { RegistryService } from '@rampart/wire';
import { bytesOf, only } from '../outcomes/body.ts';
import { ERROR_CODE_METADATA } from '../outcomes/error-code-metadata.ts';

/** Whose answers are signed for callers that ask for it. */
const SIGNED_PATHS = `/${RegistryService.typeName}/`;

/**
 * Signs answers of the registry with the control plane's own SVID (RFC 9421), for callers that ask with Accept-Signature. The
 * signature says which question it answers, so the question must be the one that its caller digested.
 */
export class SignedAnswers {
  readonly #clock: Clock;
  #signer: DiscoverySigner | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  use(signer: DiscoverySigner): void {
    this.#signer = signer;
  }

  /** The handler's answer, signed where that is asked for and can be done: streams and gRPC have no place for it. */
  async to(request: UniversalServerRequest, handler: UniversalHandlerFn): Promise<UniversalServerResponse> {
    const asked = signatureAskedFor(fieldsOf(request.header)('accept-signature'));
    const signer = this.#signer;
    if (asked === undefined || signer === undefined || !isSignable(request)) return handler(request);
    const question: Uint8Array[] = [];
    const answer = await handler({ ...request, body: kept(request.body, question) });
    // A refusal that was given before the question was read is about its sender, not about what is registered.
    if (answer.status === 200 && !isContentOf(fieldsOf(request.header), Buffer.concat(question)))
      return refuseQuestion();
    const content = await bytesOf(answer.body);
    const header = new Headers(answer.header);
    header.set('content-length', String(content.byteLength));
    const { method, url } = request;
    const asAsked = { method, url, fields: fieldsOf(request.header) };
    const message = { status: answer.status, fields: fieldsOf(header), request: asAsked };
    const fields = signDiscovery(message, content, { signer, nonce: asked.nonce, now: this.#clock.now() });
    for (const [name, value] of Object.entries(fields)) header.set(name, value);
    return { ...answer, header, body: only(content) };
  }
}

type Content = AsyncIterable<Uint8Array>;

function isSignable(request: UniversalServerRequest): request is UniversalServerRequest & { readonly body: Content } {
  const { pathname } = new URL(request.url);
  const type = request.header.get('content-type') ?? '';
  return pathname.startsWith(SIGNED_PATHS) && /^application\/(?:json|proto)\b/.test(type);
}

/** Passes the content on, and keeps it: the library takes messages of limited length only. */
async function* kept(body: Content, chunks: Uint8Array[]): Content {
  for await (const chunk of body) {
    chunks.push(chunk);
    yield chunk;
  }
}

function refuseQuestion(): UniversalServerResponse {
  const message =
    'the content of the request is not the one of its Content-Digest: a signed answer needs the right one';
  const body = errorToJsonBytes(new ConnectError(message, Code.InvalidArgument), undefined);
  const header = new Headers({ 'content-type': 'application/json', [ERROR_CODE_METADATA]: 'INVALID_ARGUMENT' });
  return { status: 400, header, body: only(body) };
}
