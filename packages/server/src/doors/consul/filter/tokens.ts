import { fail, ok, type Result } from '@rampart/core';

/** A piece of a filter and where it begins. */
export type Token =
  | { readonly kind: 'string'; readonly text: string; readonly at: number }
  /** A name, number or keyword. */
  | { readonly kind: 'word'; readonly text: string; readonly at: number }
  | { readonly kind: 'sign'; readonly text: string; readonly at: number }
  | { readonly kind: 'end'; readonly text: ''; readonly at: number };

const SPACE = /\s*/y;
const SIGN = /==|!=|[()[\].{}]/y;
const WORD = /[A-Za-z_][\w/-]*|-?\d+(?:\.\d+)?/y;
const RAW = /`([^`]*)`/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;

/** Cuts a filter into its pieces; the problem says where that ends. */
export function tokensOf(text: string): Result<readonly Token[], string> {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    at += matchAt(SPACE, text, at)?.[0].length ?? 0;
    if (at >= text.length) break;
    const token = tokenAt(text, at);
    if (token === undefined) return fail(`unexpected ${JSON.stringify(text.charAt(at))} at character ${at + 1}`);
    tokens.push(token.value);
    at += token.length;
  }
  return ok([...tokens, { kind: 'end', text: '', at }]);
}

interface Cut {
  readonly value: Token;
  readonly length: number;
}

function tokenAt(text: string, at: number): Cut | undefined {
  const raw = matchAt(RAW, text, at);
  if (raw !== undefined) return { value: { kind: 'string', text: raw[1] ?? '', at }, length: raw[0].length };
  const quoted = matchAt(QUOTED, text, at);
  if (quoted !== undefined) {
    const plain = unquoted(quoted[0]);
    return plain === undefined ? undefined : { value: { kind: 'string', text: plain, at }, length: quoted[0].length };
  }
  for (const [kind, form] of [
    ['sign', SIGN],
    ['word', WORD],
  ] as const) {
    const found = matchAt(form, text, at);
    if (found !== undefined) return { value: { kind, text: found[0], at }, length: found[0].length };
  }
  return undefined;
}

function matchAt(form: RegExp, text: string, at: number): RegExpExecArray | undefined {
  const sticky = new RegExp(form);
  sticky.lastIndex = at;
  return sticky.exec(text) ?? undefined;
}

/** Escapes are those of JSON, which those of Go are as far as filters use them. */
function unquoted(text: string): string | undefined {
  try {
    return JSON.parse(text) as string;
  } catch {
    return undefined;
  }
}
