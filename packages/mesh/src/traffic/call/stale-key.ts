import type { CompiledHeaders, RoutedRequest } from '@rampart/core';

import type { Way } from './way.ts';

const texts = new WeakMap<CompiledHeaders, string>();

/** What two requests have in common that are given the same answer: who asks, and all that is sent, but for the caller's headers. */
export function staleKey(request: RoutedRequest, { attempt, chosen }: Way, caller: string): string {
  const { url = request.url, authority = request.authority, headers } = attempt;
  const where = `${chosen?.host ?? ''}|${chosen?.port ?? ''}|${chosen?.subset ?? ''}`;
  return [caller, where, authority.toLowerCase(), url, ...headers.map(textOf)].join('\n');
}

function textOf(operations: CompiledHeaders | undefined): string {
  if (operations === undefined) return '';
  let text = texts.get(operations);
  if (text === undefined) {
    text = JSON.stringify(operations);
    texts.set(operations, text);
  }
  return text;
}
