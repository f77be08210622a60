/** A command block of a document. */
export interface CommandBlock {
  readonly file: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
  readonly commands: readonly DocCommand[];
  /** Started and left running until the document ends. */
  readonly background: boolean;
  /** Text of the line that says a background block is up. */
  readonly until: string;
  /** Why it is not run; undefined when it is. */
  readonly illustration: string | undefined;
}

export interface DocCommand {
  readonly text: string;
  /** Exit code that the document promises. */
  readonly exit: number;
  /** Lines that the document shows under the command; "…" in a line stands for anything. */
  readonly shows: readonly string[];
}

export interface DocProblem {
  readonly file: string;
  readonly line: number;
  readonly rule: 'illustration-reason' | 'background-until' | 'unknown-attribute' | 'unclosed-fence' | 'empty-block';
  readonly message: string;
}

export interface DocumentBlocks {
  readonly blocks: readonly CommandBlock[];
  readonly problems: readonly DocProblem[];
}

const commandLanguages: ReadonlySet<string> = new Set(['sh', 'bash', 'console', 'shell']);

const knownAttributes: ReadonlySet<string> = new Set(['background', 'until', 'exit']);

/**
 * Every command block of a Markdown document. A block is run unless `<!-- illustration: why -->` stands above it.
 * Its info string may say `background until="text"` and `exit=1`. In a `console` block lines with "$ " are commands
 * and the others are what they print.
 */
export function commandBlocks(file: string, markdown: string): DocumentBlocks {
  const blocks: CommandBlock[] = [];
  const problems: DocProblem[] = [];
  const lines = markdown.split('\n');
  for (let at = 0; at < lines.length; at += 1) {
    const info = /^```(.*)$/.exec(lines[at] ?? '')?.[1];
    if (info === undefined) continue;
    const end = lines.findIndex((line, index) => index > at && /^```\s*$/.test(line));
    const place = { file, line: at + 1 };
    if (end === -1) {
      problems.push({ ...place, rule: 'unclosed-fence', message: 'this fence is never closed' });
      break;
    }
    const [language = ''] = info.trim().split(/\s/);
    if (commandLanguages.has(language)) {
      const above = lines.slice(0, at).findLast((line) => line.trim() !== '') ?? '';
      const read = readBlock(place, { info, above, body: lines.slice(at + 1, end) });
      blocks.push(read.block);
      problems.push(...read.problems);
    }
    at = end;
  }
  return { blocks, problems };
}

interface RawBlock {
  readonly info: string;
  /** The last line with text above the fence. */
  readonly above: string;
  readonly body: readonly string[];
}

function readBlock(place: { readonly file: string; readonly line: number }, { info, above, body }: RawBlock) {
  const { language, background, until, exit, unknown } = readInfo(info);
  const comment = /^<!--\s*illustration\b:?\s*(.*?)\s*-->$/.exec(above.trim())?.[1];
  const commands = language === 'console' ? consoleCommands(body, exit) : scriptCommand(body, exit);
  const problems: DocProblem[] = unknown.map((attribute) => {
    return {
      ...place,
      rule: 'unknown-attribute',
      message: `a block knows background, until="…" and exit=N, not "${attribute}"`,
    };
  });
  if (comment === '')
    problems.push({
      ...place,
      rule: 'illustration-reason',
      message: 'say why it is not run: <!-- illustration: why -->',
    });
  if (background && until === '')
    problems.push({ ...place, rule: 'background-until', message: 'say which line means that it is up: until="…"' });
  if (commands.length === 0) problems.push({ ...place, rule: 'empty-block', message: 'holds no command' });
  const block: CommandBlock = { ...place, commands, background, until, illustration: comment };
  return { block, problems };
}

function readInfo(info: string) {
  const [language = '', ...rest] = info.trim().match(/(?:[^\s"]|"[^"]*")+/g) ?? [];
  const attributes = new Map(rest.map((part) => [part.split('=')[0] ?? '', part.split('=').slice(1).join('=')]));
  return {
    language,
    background: attributes.has('background'),
    until: (attributes.get('until') ?? '').replaceAll('"', ''),
    exit: Number(attributes.get('exit') ?? 0),
    unknown: [...attributes.keys()].filter((name) => !knownAttributes.has(name)),
  };
}

function scriptCommand(body: readonly string[], exit: number): DocCommand[] {
  const text = body.join('\n').trim();
  return text === '' ? [] : [{ text, exit, shows: [] }];
}

function consoleCommands(body: readonly string[], exit: number): DocCommand[] {
  const commands: { text: string; exit: number; shows: string[] }[] = [];
  for (const line of body) {
    const current = commands.at(-1);
    if (line.startsWith('$ ')) commands.push({ text: line.slice(2), exit: 0, shows: [] });
    else if (current?.shows.length === 0 && current.text.endsWith('\\')) current.text += `\n${line}`;
    else if (line.trim() !== '') current?.shows.push(line.trim());
  }
  const last = commands.at(-1);
  if (last !== undefined) last.exit = exit;
  return commands;
}
