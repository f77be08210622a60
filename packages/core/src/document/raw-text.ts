import { invisibleCharacter } from '../printable.ts';
import type { ProblemList } from './problem-list.ts';

/**
 * Characters that make a text look other than it is read, in comments as much as in values: controls (a lone carriage
 * return lets a terminal write over a line), those that turn the direction of text (CVE-2021-42574), line separators
 * that editors break lines at and YAML does not, a byte order mark amid the text, and halves of pairs.
 */
const MISLEADING =
  /[\0-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F\u2028\u2029\u202A-\u202E\u2066-\u2069]|\r(?!\n)|(?<!^)\uFEFF|\p{Cs}/gu;

/** A file that is no text, or text in another encoding, is made of them: nobody reads a line for each. */
const MOST_LISTED = 10;

/** Notes what no text may hold as it is; a value says it by an escape ("\\u202e" in quotes), and is judged as a value. */
export function noteMisleadingCharacters(text: string, problems: ProblemList): void {
  let line = 1;
  let lineStart = 0;
  let listed = 0;
  for (const { 0: character, index } of text.matchAll(MISLEADING)) {
    if (listed === MOST_LISTED || problems.isFull) {
      problems.addUnlisted(1);
      continue;
    }
    listed += 1;
    for (let end = text.indexOf('\n', lineStart); end !== -1 && end < index; end = text.indexOf('\n', lineStart)) {
      line += 1;
      lineStart = end + 1;
    }
    const message = messageOf(character);
    problems.add({ line, column: index - lineStart + 1 }, { code: 'INVALID_YAML', message });
  }
}

function messageOf(character: string): string {
  if (character === '\0') return 'the text holds the character U+0000, which no text does: save it as UTF-8';
  const name = invisibleCharacter(character) ?? 'U+FEFF';
  return `the text holds the character ${name}, which makes it look other than it is: remove it`;
}
