import type { Cursor, Reader } from '../../cursor.ts';
import { readDuration } from '../../duration.ts';
import { readDestination, type Destination } from '../destination.ts';
import { absent, listOf, need, oneOf, readPercent, type Percent } from '../document-form.ts';
import { readDirectResponse, readRedirect, readRewrite } from './actions.ts';
import type { HttpDirectResponse, HttpRedirect, HttpRewrite } from './actions.ts';
import { readFault, type HttpFault } from './fault.ts';
import { readHeaderChanges, type HeaderChanges } from './headers.ts';
import { readHttpMatch, readTcpMatch, type HttpMatch, type TcpMatch } from './match.ts';
import { checkRetriesAreSafe, readRetries, type HttpRetry } from './retries.ts';

/** A rule for requests; the first one that matches counts (istio/api `HTTPRoute`). */
export interface HttpRoute {
  readonly name?: string;
  /** Any of them; absent: every request. */
  readonly match?: readonly HttpMatch[];
  /** Exactly one of `route`, `redirect` and `directResponse` is there. */
  readonly route?: readonly HttpRouteDestination[];
  readonly redirect?: HttpRedirect;
  readonly directResponse?: HttpDirectResponse;
  readonly rewrite?: HttpRewrite;
  readonly timeoutMs?: number;
  readonly retries?: HttpRetry;
  readonly fault?: HttpFault;
  readonly mirrors?: readonly HttpMirror[];
  readonly headers?: HeaderChanges;
}

export interface HttpRouteDestination {
  readonly destination: Destination;
  /** Of several they add up to 100. */
  readonly weight?: number;
  readonly headers?: HeaderChanges;
}

/** A copy of requests, whose answers nobody waits for (istio/api `HTTPMirrorPolicy`). */
export interface HttpMirror {
  readonly destination: Destination;
  /** Absent: of all. */
  readonly percentage?: Percent;
}

/** A rule for connections; the first one that matches counts (istio/api `TCPRoute`). */
export interface TcpRoute {
  readonly match?: readonly TcpMatch[];
  readonly route: readonly TcpRouteDestination[];
}

export interface TcpRouteDestination {
  readonly destination: Destination;
  readonly weight?: number;
}

interface HttpRouteFields extends Omit<HttpRoute, 'timeoutMs'> {
  /** 0: none. */
  readonly timeout: number;
  readonly mirror: Destination;
  readonly mirrorPercentage: Percent;
  readonly mirrorPercent: never;
  readonly delegate: never;
  readonly corsPolicy: never;
}

const MOST_MATCHES = 1000;
const MOST_DESTINATIONS = 100;
const MOST_MIRRORS = 10;
const ALL = 100;
const ACTIONS = ['route', 'redirect', 'directResponse'];

export function readHttpRoute(at: Cursor): HttpRoute | undefined {
  const fields = at.fields<HttpRouteFields>({
    name: (name) => name.text(),
    match: listOf(readHttpMatch, MOST_MATCHES, 'a list of matches'),
    route: listOf(readHttpDestination, MOST_DESTINATIONS, 'a list of destinations'),
    redirect: readRedirect,
    directResponse: readDirectResponse,
    rewrite: readRewrite,
    timeout: readTimeout,
    retries: readRetries,
    fault: readFault,
    mirror: readDestination,
    mirrors: listOf(readMirror, MOST_MIRRORS, 'a list of mirrors'),
    mirrorPercentage: readPercent,
    headers: readHeaderChanges,
    mirrorPercent: absent('is the older form of mirrorPercentage: write mirrorPercentage: { value: … }'),
    delegate: absent('rules are not delegated here: write the routes of the other VirtualService into this one'),
    corsPolicy: absent('cross-origin requests come from browsers through a gateway, and there is none yet'),
  });
  if (fields === undefined) return undefined;
  checkAction(at);
  checkWeights(at.child('route'));
  const { match = [], timeout, mirror, mirrorPercentage, mirrors, retries, ...rest } = fields;
  checkRetriesAreSafe(at.child('retries'), retries, match);
  checkPrefixRewrite(at, match);
  warnOfSlashes(at, match);
  const copies = mirror === undefined ? mirrors : [{ destination: mirror, ...percentageOf(mirrorPercentage) }];
  return {
    ...rest,
    ...(match.length === 0 ? {} : { match }),
    ...(timeout === undefined || timeout === 0 ? {} : { timeoutMs: timeout }),
    ...(retries === undefined ? {} : { retries }),
    ...(copies === undefined || copies.length === 0 ? {} : { mirrors: copies }),
  };
}

export function readTcpRoute(at: Cursor): TcpRoute | undefined {
  const fields = at.fields<TcpRoute>({
    match: listOf(readTcpMatch, MOST_MATCHES, 'a list of matches'),
    route: listOf(readTcpDestination, MOST_DESTINATIONS, 'a list of destinations'),
  });
  need(at, 'route');
  checkWeights(at.child('route'));
  const { route, match = [] } = fields ?? {};
  return route === undefined ? undefined : { ...(match.length === 0 ? {} : { match }), route };
}

/** "0s" is Istio's word for no timeout. */
function readTimeout(at: Cursor): number | undefined {
  return at.value === '0s' ? 0 : readDuration(at);
}

function percentageOf(percentage: Percent | undefined): { readonly percentage?: Percent } {
  return percentage === undefined ? {} : { percentage };
}

const readWeight: Reader<number> = (at) => at.integer('a weight', { min: 0, max: ALL });

function readHttpDestination(at: Cursor): HttpRouteDestination | undefined {
  const fields = at.fields<HttpRouteDestination>({
    destination: readDestination,
    weight: readWeight,
    headers: readHeaderChanges,
  });
  need(at, 'destination');
  const { destination, ...rest } = fields ?? {};
  return destination === undefined ? undefined : { ...rest, destination };
}

function readTcpDestination(at: Cursor): TcpRouteDestination | undefined {
  const fields = at.fields<TcpRouteDestination>({ destination: readDestination, weight: readWeight });
  need(at, 'destination');
  const { destination, ...rest } = fields ?? {};
  return destination === undefined ? undefined : { ...rest, destination };
}

function readMirror(at: Cursor): HttpMirror | undefined {
  const fields = at.fields<HttpMirror>({ destination: readDestination, percentage: readPercent });
  need(at, 'destination');
  const { destination, ...rest } = fields ?? {};
  return destination === undefined ? undefined : { ...rest, destination };
}

/** Istio takes any weights as proportions; a sum that is not 100 is hardly ever meant. */
function checkWeights(at: Cursor): void {
  const items = Array.isArray(at.value) ? (at.items() ?? []) : [];
  if (Array.isArray(at.value) && items.length === 0) at.error('needs at least one destination');
  const weights = items.map((item) => item.child('weight').value ?? 0);
  if (items.length < 2 || !weights.every((weight) => typeof weight === 'number')) return;
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (sum === ALL) return;
  at.error(`the weights of its ${items.length} destinations must add up to 100: ${weights.join(' + ')} is ${sum}`);
}

function checkAction(at: Cursor): void {
  const action = oneOf(at, ACTIONS);
  if (action === undefined) at.error('needs one of route, redirect and directResponse');
  if (action !== 'route') {
    for (const field of ['rewrite', 'fault', 'retries', 'timeout', 'mirror', 'mirrors']) {
      const child = at.child(field);
      if (child.value !== undefined && action !== undefined)
        child.misplaced(`has no meaning beside ${action}: remove it`);
    }
  }
  oneOf(at, ['mirrors', 'mirror']);
  if (at.child('mirrorPercentage').value !== undefined && at.child('mirror').value === undefined) {
    at.child('mirrorPercentage').misplaced('is about mirror, which is not there');
  }
}

function checkPrefixRewrite(at: Cursor, match: readonly HttpMatch[]): void {
  const place = at.child('redirect').child('prefixRewrite');
  if (place.value === undefined) return;
  const isSound = match.length > 0 && match.every(({ uri }) => uri?.prefix !== undefined);
  if (!isSound) place.error('replaces a prefix: each match needs uri: { prefix: … }');
}

/** A prefix is replaced letter by letter, as Envoy does: "/v2" by "/" makes "//orders" of "/v2/orders". */
function warnOfSlashes(at: Cursor, match: readonly HttpMatch[]): void {
  for (const place of [at.child('rewrite').child('uri'), at.child('redirect').child('prefixRewrite')]) {
    const { value } = place;
    if (typeof value !== 'string') continue;
    // What asks nothing of the path matches every path by the prefix "/".
    const prefixes = (match.length === 0 ? [{}] : match).flatMap(
      ({ uri = { prefix: '/' } }: HttpMatch) => uri.prefix ?? [],
    );
    const odd = prefixes.find((prefix) => prefix.endsWith('/') !== value.endsWith('/'));
    if (odd === undefined) continue;
    const sent = `${value}${odd.endsWith('/') ? 'a' : '/a'}`;
    place.warning(`makes ${sent} of ${odd.endsWith('/') ? odd : `${odd}/`}a: let both end in "/", or neither`);
  }
}
