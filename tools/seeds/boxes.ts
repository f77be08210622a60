interface Unframed {
  readonly text: string;
  /** How many frames stood around it. */
  readonly depth: number;
}

/**
 * Takes the frames of drawn boxes away, nested ones too, and moves what is written inside to the margin:
 * `│  │ service "x" {   │   │` becomes `service "x" {`. Frame lines become empty lines. Lines keep their number.
 */
export function unbox(lines: readonly string[]): string[] {
  const bare = lines.map(unframe);
  const result: string[] = [];
  for (let start = 0; start < bare.length;) {
    const depth = bare[start]?.depth;
    const next = bare.findIndex((line, index) => index > start && line.depth !== depth);
    const box = bare.slice(start, next === -1 ? undefined : next);
    result.push(...dedent(box.map(({ text }) => text)));
    start += box.length;
  }
  return result;
}

function unframe(line: string): Unframed {
  let text = line.trimEnd();
  let depth = 0;
  while (/^\s*│.*│$/u.test(text)) {
    text = text.replace(/^\s*│/u, '').replace(/│$/u, '').trimEnd();
    depth += 1;
  }
  return { text: /^\s*[┌├└═─│┐┤┘┬┴┼\s]+$/u.test(text) ? '' : text, depth };
}

function dedent(lines: readonly string[]): string[] {
  const margin = Math.min(...lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(margin === Infinity ? 0 : margin));
}
