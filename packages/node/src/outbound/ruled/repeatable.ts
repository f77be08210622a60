/** Methods that mean the same when they are repeated (RFC 9110 §9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

export function isRepeatable(method: string): boolean {
  return IDEMPOTENT.has(method);
}
