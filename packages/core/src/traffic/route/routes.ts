import { matchesLabels } from '../../labels.ts';
import type { VirtualService } from '../../resource/resource.ts';
import type { Destination } from '../../resource/traffic/destination.ts';
import type { HttpMatch, TcpMatch } from '../../resource/traffic/virtual-service/match.ts';
import type { HttpRoute, HttpRouteDestination, TcpRoute } from '../../resource/traffic/virtual-service/route.ts';
import { qualifiedName } from '../../resource/resource.ts';
import type {
  CompiledDestination,
  CompiledMirror,
  CompiledRoute,
  RoutedRequest,
  WeighedDestination,
} from '../settings.ts';
import { compileFault, compileRetries, shareOf } from './actions.ts';
import { compileAnswer } from './answer.ts';
import { compileHeaders } from './headers.ts';
import { compileRequestMatch, pathOf, type RequestMatch } from './request-match.ts';
import { compileRewrite } from './rewrite.ts';

/** Who calls which port: what matches ask of callers is decided once for all of their requests. */
export interface Caller {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly port: number;
  /** A host of the rule as a whole name. */
  whole(host: string): string;
}

/** The first route that is about a request; undefined where none is. */
export type Router = (request: RoutedRequest) => CompiledRoute | undefined;

const ALL = 100;

/** Puts the routes for requests of a VirtualService together; undefined where it has none. */
export function compileHttpRoutes(rule: VirtualService, caller: Caller): Router | undefined {
  const { http } = rule.spec;
  if (http === undefined || http.length === 0) return undefined;
  const candidates = http.flatMap((route, index) => candidatesOf(route, nameOf(rule, route, index), caller));
  return (request) => {
    const path = pathOf(request.url);
    for (const { matches, route } of candidates) if (matches === undefined || matches(request, path)) return route;
    return undefined;
  };
}

/** Where connections of a VirtualService go; undefined where nothing is said of them. */
export function compileTcpRoute(rule: VirtualService, caller: Caller): readonly WeighedDestination[] | undefined {
  const route = rule.spec.tcp?.find((each) => isForConnection(each, caller));
  return route?.route.map((each) => weighed(each, route.route.length, caller));
}

interface Candidate {
  /** Undefined: every request. */
  readonly matches: RequestMatch | undefined;
  readonly route: CompiledRoute;
}

function nameOf(rule: VirtualService, route: HttpRoute, index: number): string {
  return `${qualifiedName(rule)} ${route.name ?? `http[${index}]`}`;
}

/** One for each match that may hold for this caller, as how a path was matched says what a rewrite replaces. */
function candidatesOf(route: HttpRoute, name: string, caller: Caller): Candidate[] {
  const { match } = route;
  const shared = sharedOf(route, name, caller);
  const candidate = (of: HttpMatch): Candidate => {
    const answer = compileAnswer(route, of.uri);
    const rewriteUrl = compileRewrite(route.rewrite, of.uri);
    return {
      matches: compileRequestMatch(of),
      route: {
        ...shared,
        ...(answer === undefined ? {} : { answer }),
        ...(rewriteUrl === undefined ? {} : { rewriteUrl }),
      },
    };
  };
  if (match === undefined) return [candidate({})];
  return match.filter((of) => isForCaller(of, caller)).map(candidate);
}

function sharedOf(route: HttpRoute, name: string, caller: Caller): CompiledRoute {
  const headers = compileHeaders(route.headers);
  const { route: destinations = [], rewrite, timeoutMs, retries, fault, mirrors } = route;
  return {
    name,
    destinations: destinations.map((each) => weighed(each, destinations.length, caller)),
    ...(rewrite?.authority === undefined ? {} : { authority: rewrite.authority }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(retries === undefined ? {} : { retries: compileRetries(retries) }),
    ...(fault === undefined ? {} : { fault: compileFault(fault) }),
    ...(mirrors === undefined
      ? {}
      : {
          mirrors: mirrors.map(({ destination, percentage }): CompiledMirror => {
            return { ...place(destination, caller), share: shareOf(percentage, 1) };
          }),
        }),
    ...(headers === undefined ? {} : { headers }),
  };
}

/** The only one gets everything, whatever its weight. */
function weighed(
  { destination, weight, headers }: HttpRouteDestination,
  count: number,
  caller: Caller,
): WeighedDestination {
  const changes = compileHeaders(headers);
  return {
    ...place(destination, caller),
    weight: count === 1 ? ALL : (weight ?? 0),
    ...(changes === undefined ? {} : { headers: changes }),
  };
}

function place({ host, subset, port }: Destination, caller: Caller): CompiledDestination {
  return {
    host: caller.whole(host),
    ...(subset === undefined ? {} : { subset }),
    ...(port === undefined ? {} : { port: port.number }),
  };
}

function isForConnection({ match }: TcpRoute, caller: Caller): boolean {
  return match === undefined || match.some((of) => isForCaller(of, caller));
}

function isForCaller({ port, sourceLabels, sourceNamespace }: TcpMatch, caller: Caller): boolean {
  if (port !== undefined && port !== caller.port) return false;
  if (sourceNamespace !== undefined && sourceNamespace !== caller.namespace) return false;
  return matchesLabels(sourceLabels, caller.labels);
}
