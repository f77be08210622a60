import type { OutputStream } from '../io.ts';
import { renderYaml } from './yaml.ts';

/** The forms every command can answer in. */
export const OUTPUT_FORMATS = ['table', 'yaml', 'json'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** Forms that only some commands know, each for a kind of program that reads it. */
export const SPECIAL_FORMATS = ['sarif', 'tap', 'junit'] as const;
export type SpecialFormat = (typeof SPECIAL_FORMATS)[number];

/** An answer in all of its forms; only the one that is asked for is made. */
export interface Answer {
  /** Plain data: no bigint, no undefined. */
  readonly data: () => unknown;
  /** Text that ends with a newline. */
  readonly table: () => string;
  /** Text of each special form that the command has declared. */
  readonly special?: Partial<Readonly<Record<SpecialFormat, () => string>>>;
}

/** Writes an answer in the form that was asked for. */
export function showAnswer(stream: OutputStream, format: OutputFormat | SpecialFormat, answer: Answer): void {
  stream.write(textOf(format, answer));
}

function textOf(format: OutputFormat | SpecialFormat, answer: Answer): string {
  if (format === 'table') return answer.table();
  if (format === 'json' || format === 'yaml') return renderData(format, answer.data());
  return answer.special?.[format]?.() ?? answer.table();
}

/** Data as one JSON or YAML document that ends with a newline. */
export function renderData(format: 'json' | 'yaml', data: unknown): string {
  return format === 'json' ? `${JSON.stringify(data, null, 2)}\n` : renderYaml(data);
}
