import type { Finding } from '../checker.ts';

const kinds = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'] as const;

/** `pinned`: a version is exact, so that two installs a month apart are the same. */
export function manifestFindings(path: string, text: string): Finding[] {
  const manifest = JSON.parse(text) as Record<string, unknown>;
  return kinds.flatMap((kind) =>
    Object.entries((manifest[kind] ?? {}) as Record<string, string>)
      .filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))
      .map(([name, version]) => ({
        file: path,
        line: lineOf(text, `"${name}"`),
        rule: 'pinned',
        message: `${kind}.${name} is "${version}": pin one exact version`,
      })),
  );
}

function lineOf(text: string, part: string): number {
  return text.slice(0, Math.max(0, text.indexOf(part))).split('\n').length;
}
