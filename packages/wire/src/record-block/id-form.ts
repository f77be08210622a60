import { SPAN_ID_BYTES, TRACE_ID_BYTES, UUID_BYTES } from './layout.ts';

/** How the text of an id that can be packed is laid out. */
export interface IdForm {
  /** Bytes when packed. */
  readonly bytes: number;
  /** Characters when written out. */
  readonly characters: number;
  /** Bytes of each run of hex digits; the runs are joined by dashes. */
  readonly groups: readonly number[];
}

/** RFC 9562 text form, lower case, any version. */
export const UUID: IdForm = { bytes: UUID_BYTES, characters: 36, groups: [4, 2, 2, 2, 6] };
/** W3C Trace Context trace-id. */
export const TRACE_ID: IdForm = { bytes: TRACE_ID_BYTES, characters: 32, groups: [TRACE_ID_BYTES] };
/** W3C Trace Context parent-id. */
export const SPAN_ID: IdForm = { bytes: SPAN_ID_BYTES, characters: 16, groups: [SPAN_ID_BYTES] };

const PAIRS: readonly string[] = Array.from({ length: 0x100 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The text form of the id that begins at byte `start` of `packed`. */
export function unpackId(form: IdForm, packed: Uint8Array, start: number): string {
  let text = '';
  let at = start;
  for (const bytes of form.groups) {
    if (at > start) text += '-';
    for (let i = 0; i < bytes; i++) text += PAIRS[packed[at++] ?? 0] ?? '';
  }
  return text;
}
