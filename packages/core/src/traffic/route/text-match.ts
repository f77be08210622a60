import { parseRegex } from '../../policy/match/regex.ts';
import type { StringMatch } from '../../resource/traffic/virtual-service/string-match.ts';

/** Whether a text is what is asked for. */
export type TextMatch = (text: string) => boolean;

/** What is asked of a text; an empty match asks for nothing but the text. */
export function compileTextMatch(match: StringMatch, { ignoreCase = false }: { ignoreCase?: boolean } = {}): TextMatch {
  const { exact, prefix, regex } = match;
  if (exact !== undefined) {
    const wanted = ignoreCase ? exact.toLowerCase() : exact;
    return ignoreCase ? (text) => text.toLowerCase() === wanted : (text) => text === wanted;
  }
  if (prefix !== undefined) {
    const wanted = ignoreCase ? prefix.toLowerCase() : prefix;
    return ignoreCase
      ? (text) => text.slice(0, wanted.length).toLowerCase() === wanted
      : (text) => text.startsWith(wanted);
  }
  if (regex === undefined) return always;
  const parsed = parseRegex(regex);
  return parsed.ok ? (text) => parsed.value.matches(text) : never;
}

function always(): boolean {
  return true;
}

function never(): boolean {
  return false;
}
