import type { OutputStream } from '../io.ts';

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

/** The form of an answer, with what writes data in it. */
export interface AnswerForm {
  readonly format: OutputFormat | SpecialFormat;
  readonly renderData: DataRenderer;
}

/** Writes an answer in the form that was asked for. */
export function showAnswer(stream: OutputStream, form: AnswerForm, answer: Answer): void {
  stream.write(textOf(form, answer));
}

function textOf({ format, renderData }: AnswerForm, answer: Answer): string {
  if (format === 'table') return answer.table();
  if (format === 'json' || format === 'yaml') return renderData(answer.data());
  return answer.special?.[format]?.() ?? answer.table();
}

/** Data as one document that ends with a newline. */
export type DataRenderer = (data: unknown) => string;

/** What writes data in a form: YAML where that is asked for, JSON else. YAML is loaded only then: its library is a good part of a start. */
export async function dataRenderer(format: OutputFormat | SpecialFormat): Promise<DataRenderer> {
  if (format === 'yaml') return (await import('./yaml.ts')).renderYaml;
  return (data) => `${JSON.stringify(data, null, 2)}\n`;
}
