/** Which package may import which, by folder name; undefined means anything. */
export type AllowedImports = ReadonlyMap<string, ReadonlySet<string> | undefined>;

const row = /^\|\s*`(?<name>[a-z-]+)`\s*\|.*\|(?<cell>[^|]+)\|\s*$/;
const groundAndDomains =
  /(?<ground>(?:`[a-z]+`(?:, | and )?)+) are the ground; the domain packages \((?<domains>[^)]+)\)/;

/** Reads the package table ("may import" column) of docs/architecture.md. */
export function readAllowedImports(architecture: string): AllowedImports {
  const groups = groundAndDomains.exec(architecture)?.groups;
  const ground = quotedNames(groups?.['ground'] ?? '');
  const domains = quotedNames(groups?.['domains'] ?? '');
  const table = tableAfter(architecture, 'may import');
  const packages = table.flatMap((line) => {
    const match = row.exec(line)?.groups;
    return match === undefined ? [] : [{ name: match['name'] ?? '', cell: match['cell'] ?? '' }];
  });
  const known = new Set(packages.map(({ name }) => name));
  return new Map(packages.map(({ name, cell }) => [name, readCell(cell, { known, ground, domains })]));
}

interface Vocabulary {
  readonly known: ReadonlySet<string>;
  readonly ground: readonly string[];
  readonly domains: readonly string[];
}

function readCell(cell: string, words: Vocabulary): ReadonlySet<string> | undefined {
  if (/\banything\b/.test(cell)) return undefined;
  const allowed = new Set<string>();
  // What the domains stand on comes with them: `server` joins them and wires their ground.
  if (/\ball domain packages\b/.test(cell)) for (const name of [...words.ground, ...words.domains]) allowed.add(name);
  for (const [name] of cell.matchAll(/[a-z-]+/g)) if (words.known.has(name)) allowed.add(name);
  return allowed;
}

function tableAfter(text: string, column: string): string[] {
  const lines = text.split('\n');
  const header = lines.findIndex((line) => line.startsWith('|') && line.includes(`| ${column} |`));
  if (header === -1) return [];
  const end = lines.findIndex((line, at) => at > header && !line.startsWith('|'));
  return lines.slice(header + 1, end === -1 ? undefined : end);
}

function quotedNames(text: string): string[] {
  return [...text.matchAll(/`([a-z]+)`/g)].map(([, name = '']) => name);
}
