import type { Moment } from '../../arguments/moment.ts';

/** Which records are wanted. */
export interface RecordFilter {
  readonly type?: string;
  /** `*` stands for any run of characters. */
  readonly identity?: string;
  readonly service?: string;
  readonly result?: string;
  /** Not older than that. */
  readonly since?: Moment;
}

/** The fields of the record in the order in which they are printed. */
export const RECORD_FIELDS: readonly string[] = [
  ...['timestamp', 'event_type', 'service_name', 'instance_id', 'identity', 'source_ip', 'result', 'details'],
  ...['registry_node', 'sequence', 'correlation_id', 'leaf_hash'],
];

/** Whether a question has to be asked: types alone are looked up. */
export function isFiltered({ identity, service, result, since }: RecordFilter): boolean {
  return [identity, service, result, since].some((wanted) => wanted !== undefined);
}

/** The question for the newest records that are wanted. */
export function questionFor({ type, identity, service, result, since }: RecordFilter, limit: number): string {
  const conditions = [
    ...(type === undefined ? [] : [`event_type = ${quoted(type)}`]),
    ...(identity === undefined ? [] : [like('identity', identity)]),
    ...(service === undefined ? [] : [like('service_name', service)]),
    ...(result === undefined ? [] : [`result = ${quoted(result)}`]),
    ...(since === undefined ? [] : [`timestamp > ${momentText(since)}`]),
  ];
  return `SELECT ${RECORD_FIELDS.join(', ')} FROM audit_logs WHERE ${conditions.join(' AND ')} ORDER BY sequence DESC LIMIT ${limit}`;
}

function momentText(since: Moment): string {
  if ('at' in since) return quoted(new Date(since.at).toISOString());
  return `NOW() - INTERVAL '${since.ago / 1000} seconds'`;
}

function like(column: string, pattern: string): string {
  if (!pattern.includes('*')) return `${column} = ${quoted(pattern)}`;
  return `${column} LIKE ${quoted(pattern.replaceAll(/[\\%_]/g, '\\$&').replaceAll('*', '%'))}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
