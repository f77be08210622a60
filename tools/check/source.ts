import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'rolldown/utils';

export type SourceFile = ReturnType<typeof parseSync> & {
  /** Relative to the checked root. */
  readonly path: string;
  readonly text: string;
  /** Line number, from 1, of an offset. */
  lineAt(offset: number): number;
};

/** Reads and parses one JavaScript or TypeScript file. */
export function parseSource(root: string, path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  const parsed = parseSync(path, text);
  return {
    path,
    text,
    program: parsed.program,
    module: parsed.module,
    comments: parsed.comments,
    errors: parsed.errors,
    lineAt: (offset) => text.slice(0, offset).split('\n').length,
  };
}
