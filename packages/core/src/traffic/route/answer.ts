import type { HttpDirectResponse, HttpRedirect } from '../../resource/traffic/virtual-service/actions.ts';
import type { HttpRoute } from '../../resource/traffic/virtual-service/route.ts';
import type { StringMatch } from '../../resource/traffic/virtual-service/string-match.ts';
import { bytesOfBase64, bytesOfText } from '../bytes.ts';
import type { CompiledAnswer, RoutedRequest } from '../settings.ts';
import { pathOf } from './request-match.ts';
import { prefixed } from './rewrite.ts';

const MOVED = 301;
const EMPTY = new Uint8Array(0);

/** The answer of a route that sends nothing on; undefined for one that does. */
export function compileAnswer(
  { redirect, directResponse }: HttpRoute,
  matched: StringMatch | undefined,
): ((request: RoutedRequest) => CompiledAnswer) | undefined {
  if (directResponse !== undefined) {
    const answer = directAnswer(directResponse);
    return () => answer;
  }
  if (redirect === undefined) return undefined;
  return (request) => ({
    status: redirect.redirectCode ?? MOVED,
    headers: [['location', location(redirect, request, matched)]],
    body: EMPTY,
  });
}

function directAnswer({ status, body }: HttpDirectResponse): CompiledAnswer {
  if (body?.bytes !== undefined) return { status, headers: [], body: bytesOfBase64(body.bytes) };
  if (body?.string === undefined) return { status, headers: [], body: EMPTY };
  return { status, headers: [['content-type', 'text/plain']], body: bytesOfText(body.string) };
}

/** Envoy `RedirectAction`: what is not said stays as it was in the request. */
function location(redirect: HttpRedirect, request: RoutedRequest, matched: StringMatch | undefined): string {
  const { scheme = 'http' } = redirect;
  return `${scheme}://${authorityOf(redirect, request.authority)}${targetOf(redirect, request.url, matched)}`;
}

function authorityOf({ authority, port, derivePort }: HttpRedirect, requested: string): string {
  if (port !== undefined) return `${withoutPort(authority ?? requested)}:${port}`;
  if (derivePort === undefined) return authority ?? requested;
  const own = derivePort === 'FROM_REQUEST_PORT' ? (PORT.exec(requested)?.[0] ?? '') : '';
  return withoutPort(authority ?? requested) + own;
}

const PORT = /:\d+$/;

function withoutPort(authority: string): string {
  return authority.replace(PORT, '');
}

function targetOf({ uri, prefixRewrite }: HttpRedirect, url: string, matched: StringMatch | undefined): string {
  if (prefixRewrite !== undefined) return prefixed(matched?.prefix ?? '', prefixRewrite)(url);
  if (uri === undefined) return url;
  return uri.includes('?') ? uri : uri + url.slice(pathOf(url).length);
}
