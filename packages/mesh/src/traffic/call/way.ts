import type { CompiledHeaders, Random, RoutedRequest, WeighedDestination } from '@rampart/core';

import type { Destination } from '../group/service-state.ts';
import type { RouteSettings } from '../settings/route.ts';
import type { Try } from './driver.ts';
import { newCookie } from './new-cookie.ts';
import { hashOfRequest } from './request-hash.ts';
import type { CallSurroundings, NoDestination } from './surroundings.ts';

/** What copies are told apart by where they arrive (Envoy's shadowing). */
const SHADOW = '-shadow';

/** Where a request goes, chosen once: its tries share it. */
export interface Way {
  readonly destination: Destination;
  readonly chosen: WeighedDestination | undefined;
  /** 32 bits of the request, where the balancer goes by them. */
  readonly hash: number | undefined;
  readonly attempt: Omit<Try, 'target'>;
  readonly mirrors: readonly Try[];
  /** What the caller is to come back with, so that it meets the same instance. */
  readonly cookie: CompiledHeaders | undefined;
}

export function chooseWay(route: RouteSettings, request: RoutedRequest, around: CallSurroundings): Way | NoDestination {
  const chosen = drawn(route.destinations, around.random);
  const destination = around.resolve(chosen);
  if ('status' in destination) return destination;
  const { balancer } = destination.group.policy;
  const attempt = {
    headers: [route.headers?.request, chosen?.headers?.request],
    url: route.rewriteUrl?.(request.url),
    authority: route.authority,
  };
  const source = balancer?.kind === 'hash' ? balancer.source : undefined;
  const known = hashOfRequest(source, request, around.caller);
  const fresh = known === undefined && source?.of === 'cookie' ? newCookie(source, around.random) : undefined;
  return {
    destination,
    chosen,
    hash: known ?? fresh?.hash,
    cookie: fresh?.header,
    attempt,
    mirrors: route.mirrors === undefined ? NONE : mirrorsOf(route, request, { around, attempt }),
  };
}

const NONE: readonly Try[] = [];

/** One of several destinations, each as likely as its weight. */
export function drawn(destinations: readonly WeighedDestination[], random: Random): WeighedDestination | undefined {
  if (destinations.length <= 1) return destinations[0];
  let total = 0;
  for (const { weight } of destinations) total += weight;
  let left = random() * total;
  for (const each of destinations) {
    left -= each.weight;
    if (left < 0) return each;
  }
  return destinations.find(({ weight }) => weight > 0);
}

interface MirrorFacts {
  readonly around: CallSurroundings;
  readonly attempt: Omit<Try, 'target'>;
}

/** A copy that can go nowhere is not sent: the request itself does not suffer from that. */
function mirrorsOf(
  { mirrors = [] }: RouteSettings,
  request: RoutedRequest,
  { around, attempt }: MirrorFacts,
): readonly Try[] {
  return mirrors.flatMap((mirror) => {
    if (around.random() >= mirror.share) return [];
    const destination = around.resolve(mirror);
    if ('status' in destination) return [];
    const member = destination.group.pick(around.now());
    if (member === undefined) return [];
    const { service } = destination;
    const authority = shadowOf(attempt.authority ?? request.authority);
    return [{ ...attempt, authority, target: { service, endpoint: member.endpoint } }];
  });
}

/** The port stays behind the name. */
function shadowOf(authority: string): string {
  return authority.replace(/^(\[[^\]]*\]|[^:]*)/, `$1${SHADOW}`);
}
