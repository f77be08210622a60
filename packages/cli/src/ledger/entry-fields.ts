import type { EntryFields } from '@rampart/journal';

/** Reads a body; no members where it is no JSON object. */
export function entryFields(body: string): EntryFields {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
  } catch {
    return {};
  }
}

/** A member as text; "" where it is none. */
export function textField(fields: EntryFields, name: string): string {
  const value = fields[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
