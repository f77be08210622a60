import { ok } from '@rampart/core';
import type { Result } from '@rampart/core';

import { identifierOf, valueOf } from './component.ts';
import type { Component } from './component.ts';
import type { HttpMessage } from './message.ts';
import { refuse } from './problem.ts';
import type { HttpSignatureProblem } from './problem.ts';
import { serializeInnerList } from './structured-fields.ts';
import type { Parameters } from './structured-fields.ts';

/** What one signature says it covers, and its parameters in their order: the order is signed, too. */
export interface SignatureParams {
  readonly components: readonly Component[];
  readonly parameters: Parameters;
}

/** The value of `@signature-params`, which is also the member of Signature-Input. */
export function serializeParams({ components, parameters }: SignatureParams): string {
  return serializeInnerList([components.map(({ name, parameters: own }) => [name, own]), parameters]);
}

const LINE_BREAK = /[\r\n]/;

/** The text that is signed (RFC 9421 §2.5). */
export function signatureBase(message: HttpMessage, params: SignatureParams): Result<string, HttpSignatureProblem> {
  const lines: string[] = [];
  const seen = new Set<string>();
  for (const component of params.components) {
    const identifier = identifierOf(component);
    if (seen.has(identifier)) return refuse('MALFORMED', `${identifier} is covered twice`);
    seen.add(identifier);
    if (component.name === '@signature-params')
      return refuse('MALFORMED', 'a signature cannot cover its own parameters');
    const value = valueOf(component, message);
    if (!value.ok) return value;
    if (LINE_BREAK.test(value.value))
      return refuse('NO_COMPONENT', `the value of ${identifier} has a line break in it`);
    lines.push(`${identifier}: ${value.value}`);
  }
  lines.push(`"@signature-params": ${serializeParams(params)}`);
  return ok(lines.join('\n'));
}
