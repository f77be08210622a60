import { InvalidArgumentError } from 'commander';
import type { Pairs } from '../../arguments/pair.ts';

/** Adds "team=payments" to the metadata given so far. */
export function collectMetadata(text: string, previous: Pairs | undefined): Pairs {
  const at = text.indexOf('=');
  if (at <= 0) throw new InvalidArgumentError('write it as team=payments.');
  return { ...previous, [text.slice(0, at)]: text.slice(at + 1) };
}
