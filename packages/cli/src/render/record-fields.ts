/** A record as the control plane keeps it: one JSON object. */
export type RecordFields = Readonly<Record<string, unknown>>;

/** JSON objects of an answer; a text that is no object is kept under "text" rather than lost. */
export function parseRecords(texts: readonly string[]): RecordFields[] {
  return texts.map((text) => {
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === 'object' && value !== null) return { ...value };
    } catch {
      // Falls through: a record is shown even when it is not what was expected.
    }
    return { text };
  });
}

/** A field as text; objects as one line of JSON. */
export function fieldText(record: RecordFields, name: string): string {
  const value = record[name];
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
