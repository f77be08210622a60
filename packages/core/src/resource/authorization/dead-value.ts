import { excerpt } from '../../printable.ts';

/** RFC 9110 §5.6.2 `token`, and the `*` of patterns, which is one of its characters. */
const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

/** Why no method can be what a value asks for; undefined when one can. Methods are compared as they are written (RFC 9110 §9.1). */
export function deadMethod(value: string): string | undefined {
  if (!TOKEN.test(value)) return 'a method is one word, each in quotes of its own: ["GET", "POST"]';
  return /[a-z]/.test(value) ? `methods are upper case: ${excerpt(value.toUpperCase())}` : undefined;
}

/** Why no path can be what a value asks for, whatever the normalization; undefined when one can. */
export function deadPath(value: string): string | undefined {
  if (/[^\u0021-\u007e]/.test(value))
    return `paths are compared with their escapes, ${excerpt(encodeURI(value.toWellFormed()))}`;
  if (/[?#]/.test(value)) return 'paths are compared without their query and fragment';
  return value.startsWith('/') || value.startsWith('*') ? undefined : 'every path begins with a slash';
}
