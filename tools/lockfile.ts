import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './repository.ts';

/** One package of a lockfile, as far as it matters here. */
interface LockEntry {
  readonly version?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface PlatformEntry {
  readonly version: string;
  readonly cpu?: readonly string[];
  readonly dev: true;
  readonly libc?: readonly string[];
  readonly optional: true;
  readonly os?: readonly string[];
}

interface Lockfile {
  readonly packages: Record<string, LockEntry>;
}

/**
 * Binaries for other platforms that the lockfile leaves out, by name with their version. npm writes a lockfile without
 * them when the registry in use does not hold them, and `npm ci` then refuses the lockfile everywhere.
 */
export function missingPlatforms(lockfile: Lockfile): ReadonlyMap<string, string> {
  const missing = new Map<string, string>();
  for (const { optionalDependencies = {} } of Object.values(lockfile.packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      if (!(`node_modules/${name}` in lockfile.packages)) missing.set(name, version);
    }
  }
  return missing;
}

/** What npm would have written for a binary package, derived from its name: "@oxlint/binding-linux-arm64-musl". */
export function platformEntry(name: string, version: string): PlatformEntry {
  const words = (name.split('/').at(-1) ?? '').split('-');
  const os = words.find((word) => ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'].includes(word));
  const cpu = words.find((word) => /^(?:arm|arm64|armv7|ia32|ppc64|riscv64|s390x|wasm32|x64)$/.test(word));
  if (cpu === undefined)
    throw new Error(`${name} is optional and missing, and its name says no platform: run npm install`);
  const libc = words.some((word) => word.startsWith('musl'))
    ? 'musl'
    : words.some((word) => word.startsWith('gnu'))
      ? 'glibc'
      : '';
  return {
    version,
    cpu: [cpu === 'armv7' ? 'arm' : cpu],
    dev: true,
    ...(libc === '' ? {} : { libc: [libc] }),
    optional: true,
    ...(os === undefined ? {} : { os: [os] }),
  };
}

if (import.meta.main) {
  const path = join(repositoryRoot, 'package-lock.json');
  const lockfile = JSON.parse(readFileSync(path, 'utf8')) as Lockfile;
  const missing = missingPlatforms(lockfile);
  for (const [name, version] of missing) lockfile.packages[`node_modules/${name}`] = platformEntry(name, version);
  const sorted = Object.entries(lockfile.packages).toSorted(([a], [b]) => a.localeCompare(b, 'en'));
  writeFileSync(path, `${JSON.stringify({ ...lockfile, packages: Object.fromEntries(sorted) }, undefined, 2)}\n`);
  process.stdout.write(`package-lock.json: ${missing.size} platforms added\n`);
}
