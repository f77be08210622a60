import { isFraming } from '@rampart/core';
import type { CompiledHeaders, HeaderEntry } from '@rampart/core';

const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const TARGET = /^[\x21-\x7e]+$/;

/** Operations as far as they leave a message readable. Throws a TypeError for what cannot be written. */
export function safeHeaders({ remove, set, add }: CompiledHeaders): CompiledHeaders {
  return {
    remove: remove.filter((name) => !isFraming(name.toLowerCase())),
    set: set.filter(isSafe),
    add: add.filter(isSafe),
  };
}

/** A request's target or authority, which a rule may have made. Throws a TypeError for what cannot be written. */
export function safeTarget(text: string): string {
  if (!TARGET.test(text)) throw new TypeError('a rule makes something of a request that HTTP cannot say');
  return text;
}

function isSafe([name, value]: HeaderEntry): boolean {
  if (!NAME.test(name) || !VALUE.test(value)) throw new TypeError(`a rule gives header "${name}" what HTTP cannot say`);
  return !isFraming(name.toLowerCase());
}
