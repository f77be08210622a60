import { stringify } from 'yaml';
import type { OutputStream } from '../io.ts';

/** The forms every command can answer in. */
export const OUTPUT_FORMATS = ['table', 'yaml', 'json'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** An answer in both of its forms; only the one that is asked for is made. */
export interface Answer {
  /** Plain data: no bigint, no undefined. */
  readonly data: () => unknown;
  /** Text that ends with a newline. */
  readonly table: () => string;
}

/** Writes an answer in the form that was asked for. */
export function showAnswer(stream: OutputStream, format: OutputFormat, answer: Answer): void {
  stream.write(format === 'table' ? answer.table() : renderData(format, answer.data()));
}

/** Data as one JSON or YAML document that ends with a newline. */
export function renderData(format: 'json' | 'yaml', data: unknown): string {
  return format === 'json' ? `${JSON.stringify(data, null, 2)}\n` : stringify(data, { lineWidth: 0 });
}
