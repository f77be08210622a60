import { AUDIT_EVENT_TYPES } from '@rampart/journal';
import { InvalidArgumentError } from 'commander';

/** A type of audit record, in capitals or not. */
export function parseEventType(text: string): string {
  const type = text.toUpperCase().replaceAll('-', '_');
  if (!AUDIT_EVENT_TYPES.includes(type)) {
    throw new InvalidArgumentError(`there is no such type of event: write one of ${AUDIT_EVENT_TYPES.join(', ')}.`);
  }
  return type;
}
