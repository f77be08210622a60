import { InvalidArgumentError } from 'commander';

/** A type of audit record, in capitals or not. */
export function parseEventType(text: string): string {
  const type = text.toUpperCase().replaceAll('-', '_');
  if (!/^[A-Z][A-Z_]{0,63}$/.test(type)) throw new InvalidArgumentError('write a type of event, such as REGISTRATION.');
  return type;
}
