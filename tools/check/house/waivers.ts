import type { SourceFile } from '../source.ts';

/**
 * A house rule is waived for the next line by `// waiver: RULE -- why`, in the manner of oxlint's own
 * `// oxlint-disable-next-line RULE -- why`. Returns "rule:line" for every waived line.
 */
export function waivedLines(source: SourceFile): ReadonlySet<string> {
  const waived = new Set<string>();
  for (const comment of source.comments) {
    const rule = /^\s*waiver:\s*([a-z-]+)\s+--\s+\S/.exec(comment.value)?.[1];
    if (rule !== undefined) waived.add(`${rule}:${source.lineAt(comment.end) + 1}`);
  }
  return waived;
}
