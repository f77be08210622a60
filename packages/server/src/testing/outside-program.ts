import { spawnSync } from 'node:child_process';

/**
 * False when a program that nobody here wrote is there, installed from Debian's archive where that is possible; else why a test that
 * needs it is skipped.
 */
export function programMissing(program: string, debianPackage: string): string | false {
  if (isInstalled(program)) return false;
  // Another test file may be at it: apt waits for its lock.
  spawnSync(
    'apt-get',
    ['install', '-y', '-qq', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', debianPackage],
    {
      stdio: 'ignore',
    },
  );
  return isInstalled(program) ? false : `${program} is not installed; install the Debian package ${debianPackage}`;
}

function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;
}
