import { missingPlatforms } from '../../lockfile.ts';
import type { Finding } from '../checker.ts';

const file = 'package-lock.json';

/**
 * `lockfile-hosts`: the lockfile names packages, never the machine they were fetched from.
 * `lockfile-platforms`: it lists the binaries of every platform, or `npm ci` refuses it.
 */
export function lockfileFindings(text: string): Finding[] {
  const hosts = text.split('\n').flatMap((line, index): Finding[] => {
    if (!/"resolved": "https?:/.test(line)) return [];
    const message = 'names a registry host; install with omit-lockfile-registry-resolved=true (.npmrc)';
    return [{ file, line: index + 1, rule: 'lockfile-hosts', message }];
  });
  const missing = missingPlatforms(JSON.parse(text) as Parameters<typeof missingPlatforms>[0]);
  if (missing.size === 0) return hosts;
  const message = `${missing.size} binaries of other platforms are missing: \`node tools/lockfile.ts\` adds them`;
  return [...hosts, { file, line: 0, rule: 'lockfile-platforms', message }];
}
