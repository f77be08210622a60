import { spawnSync } from 'node:child_process';

/**
 * False when a program that nobody here wrote is there, installed from Debian's archive where that is possible; else why a test that
 * needs it is skipped.
 */
export function programMissing(program: string, debianPackage: string): string | false {
  if (isInstalled(program)) return false;
  const quietly = ['-y', '-qq', '--no-install-recommends'];
  // Another test file may be at it: apt waits for its lock. Without a network nobody waits for long.
  const patience = ['-o', 'DPkg::Lock::Timeout=60', '-o', 'Acquire::Retries=0'];
  spawnSync('apt-get', ['install', ...quietly, ...patience, debianPackage], { stdio: 'ignore', timeout: 90_000 });
  return isInstalled(program) ? false : `${program} is not installed; install the Debian package ${debianPackage}`;
}

function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;
}
