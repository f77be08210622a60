import type { Finding } from '../checker.ts';
import type { SourceFile } from '../source.ts';

interface CommentRule {
  readonly rule: string;
  readonly message: string;
  broken(comment: string): boolean;
}

const waiver =
  /^\s*(?:oxlint-disable|eslint-disable|oxfmt-ignore|prettier-ignore|@ts-expect-error|waiver:|knip-ignore)/;

const rules: readonly CommentRule[] = [
  {
    rule: 'waiver-reason',
    message: 'a waiver says why: `… -- reason` (at least three words)',
    broken: (comment) => waiver.test(comment) && !/--\s+\S+\s+\S+\s+\S+/.test(comment),
  },
  {
    rule: 'silenced-types',
    message: 'use @ts-expect-error with a reason, so that it goes when the cause goes',
    broken: (comment) => /@ts-(?:ignore|nocheck)\b/.test(comment),
  },
  {
    rule: 'unfinished',
    message: 'finish it, or leave it out and say so outside the code',
    broken: (comment) => /\b(?:TODO|FIXME|XXX|HACK)\b/.test(comment),
  },
  {
    rule: 'machine-path',
    message: "a path of one person's machine means nothing to the next reader",
    broken: (comment) => /(?:^|[\s"'`(])\/(?:work|home|Users|root)\//.test(comment),
  },
];

/** What a comment must and must not say. */
export function commentFindings(source: SourceFile): Finding[] {
  return source.comments.flatMap((comment) =>
    rules
      .filter((each) => each.broken(comment.value))
      .map(({ rule, message }) => ({ file: source.path, line: source.lineAt(comment.start), rule, message })),
  );
}
