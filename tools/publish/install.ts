import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../command.ts';

/** Packs packages and installs the tarballs into a folder that holds nothing else. */
export async function installPackages(folder: string, packages: readonly string[]): Promise<void> {
  const tarballs = join(folder, 'tarballs');
  mkdirSync(tarballs, { recursive: true });
  const names: string[] = [];
  for (const source of packages) {
    const packed = await npm(['pack', '--json', '--pack-destination', tarballs], source);
    names.push(...[...packed.matchAll(/"filename": "([^"]+)"/g)].map(([, name = '']) => join(tarballs, name)));
  }
  writeFileSync(join(folder, 'package.json'), '{ "name": "stranger", "private": true, "type": "module" }\n');
  await npm(['install', '--no-audit', '--no-fund', ...names], folder);
}

async function npm(args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await runCommand('npm', args, { cwd });
  if (code !== 0) throw new Error(`npm ${args.join(' ')} failed:\n${stderr.trim() || stdout.trim()}`);
  return stdout;
}
