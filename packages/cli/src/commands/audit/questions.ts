/** A question to the audit record that is asked again and again. */
export interface AuditQuestion {
  readonly name: string;
  /** In words, for the help. */
  readonly about: string;
  readonly sql: string;
}

/** What security monitoring asks of a registry, by name. */
export const QUESTIONS: readonly AuditQuestion[] = [
  {
    name: 'registration-anomalies',
    about: 'services with more than 100 registrations in the last hour',
    sql: `SELECT service_name, COUNT(*) as registrations
FROM audit_logs
WHERE event_type = 'REGISTRATION'
  AND timestamp > NOW() - INTERVAL '1 hour'
GROUP BY service_name
HAVING COUNT(*) > 100`,
  },
  {
    name: 'unknown-services',
    about: 'services that registered and that no rule names and nobody approved',
    sql: `SELECT DISTINCT service_name
FROM audit_logs
WHERE event_type = 'REGISTRATION'
  AND service_name NOT IN (SELECT name FROM allowed_services)`,
  },
  {
    name: 'authorization-failures',
    about: 'identities that were refused more than 10 times in the last hour',
    sql: `SELECT identity, COUNT(*) as denials
FROM audit_logs
WHERE result = 'DENIED'
  AND timestamp > NOW() - INTERVAL '1 hour'
GROUP BY identity
HAVING COUNT(*) > 10`,
  },
];
