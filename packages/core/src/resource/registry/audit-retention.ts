import type { Cursor } from '../cursor.ts';

/** How long records of some types are kept. */
export interface RetentionSetting {
  /** Types of audit records. */
  readonly events: readonly string[];
  /** Days, or "forever". */
  readonly days: number | 'forever';
}

/** Nothing of the record expires before, whatever is set: who gets hold of the settings cannot make the last weeks go. */
export const LEAST_RETENTION_DAYS = 30;
const MOST_RETENTION_DAYS = 36_500;

/**
 * The types of audit records that expire, and after how many days where nothing else is set: discovery after 30, registrations and
 * refusals after 90, what people decided after a year. Records of all other types, and everything in the ledger, are for good.
 */
export const RETENTION_DAYS: ReadonlyMap<string, number> = new Map([
  ['DISCOVERY_QUERY', 30],
  ['REGISTRATION', 90],
  ['REGISTRATION_DENIED', 90],
  ['REGISTRATION_PENDING', 90],
  ['REGISTRATION_ANOMALY', 90],
  ['IDENTITY_MISMATCH', 90],
  ['NETWORK_VIOLATION', 90],
  ['DEREGISTRATION', 90],
  ['DEREGISTRATION_DENIED', 90],
  ['INSTANCE_STANDING', 90],
  ['AUTHENTICATION_FAILED', 90],
  ['AUTHORIZATION_ALLOWED', 90],
  ['AUTHORIZATION_DENIED', 90],
  ['ACCESS_DENIED', 90],
  ['ADDRESS_BLOCKED', 90],
  ['RATE_LIMITED', 90],
  ['ACL_CHANGED', 365],
  ['REGISTRATION_APPROVED', 365],
  ['REGISTRATION_REJECTED', 365],
  ['AUDIT_QUERIED', 365],
]);

/** Days after which records of each type expire; those that are not in it never do. */
export function retentionDays(settings: readonly RetentionSetting[] = []): ReadonlyMap<string, number> {
  const days = new Map(RETENTION_DAYS);
  for (const setting of settings) {
    for (const event of setting.events) {
      if (!RETENTION_DAYS.has(event)) continue;
      if (setting.days === 'forever') days.delete(event);
      else days.set(event, Math.max(setting.days, LEAST_RETENTION_DAYS));
    }
  }
  return days;
}

export function readRetention(at: Cursor): readonly RetentionSetting[] | undefined {
  const named = new Set<string>();
  return at.list((item) => {
    const fields = item.fields<RetentionSetting>({
      events: (events) => events.list((event) => readEvent(event, named)),
      days: readDays,
    });
    if (fields === undefined) return undefined;
    for (const field of ['events', 'days']) {
      if (item.child(field).value === undefined) item.error(`needs ${field}`);
    }
    const { events, days } = fields;
    return events === undefined || days === undefined ? undefined : { events, days };
  });
}

function readEvent(at: Cursor, named: Set<string>): string | undefined {
  const event = at.word([...RETENTION_DAYS.keys()]);
  if (event === undefined) return undefined;
  if (named.has(event)) return at.error(`${event} has a retention already`);
  named.add(event);
  return event;
}

function readDays(at: Cursor): number | 'forever' | undefined {
  if (at.value === 'forever') return 'forever';
  return at.integer('"forever", or days', { min: LEAST_RETENTION_DAYS, max: MOST_RETENTION_DAYS });
}
