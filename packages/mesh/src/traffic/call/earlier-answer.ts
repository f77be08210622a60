import type { CompiledAnswer, CompiledHeaders, HeaderEntry, RoutedRequest } from '@rampart/core';

import type { AnswerHead, AnswerReceiver, StaleAnswer } from '../stale/stale-answers.ts';
import { isForAnybody } from '../stale/storable.ts';
import { changeHeaders } from './header-changes.ts';
import { staleKey } from './stale-key.ts';
import type { Way } from './way.ts';

const CLIENT_ERROR = 400;
/** Change nothing (RFC 9110 §9.2.1). */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

interface Asked {
  readonly request: RoutedRequest;
  /** Identity of this workload. */
  readonly caller: string;
}

/** Takes the body of an answer that may be given again; a request that changed something makes the earlier one void (RFC 9111 §4.4). */
export function keepAnswer(way: Way, { request, caller }: Asked, head: AnswerHead): AnswerReceiver | undefined {
  const { stale } = way.destination;
  if (stale === undefined) return undefined;
  if (isForAnybody(request)) return stale.receive(staleKey(request, way, caller), request, head);
  if (!SAFE.has(request.method) && head.status < CLIENT_ERROR) stale.forget(staleKey(request, way, caller));
  return undefined;
}

/** The last good answer to the same request, where a rule has it given and it is not too old; counted. */
export function earlierAnswer(way: Way, { request, caller }: Asked, now: number): StaleAnswer | undefined {
  const { stale, group, counts } = way.destination;
  const mostMs = group.policy.fallback?.staleMs;
  if (stale === undefined || mostMs === undefined || !isForAnybody(request)) return undefined;
  const found = stale.find(staleKey(request, way, caller), request, { now, mostMs });
  if (found !== undefined) counts.stale += 1;
  return found;
}

/** An answer with the headers that rules give it on its way to the caller. */
export function changedAnswer(
  { status, headers, body }: CompiledAnswer,
  operations: readonly (CompiledHeaders | undefined)[],
): CompiledAnswer {
  const raw = changeHeaders(headers.flat(), ...operations);
  const changed: HeaderEntry[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) changed.push([raw[index] ?? '', raw[index + 1] ?? '']);
  return { status, headers: changed, body };
}
