import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Debian 12 and 13 build Prometheus without consul_sd_configs ("Disable Consul SD until its Debian package is back in shape"); the
 * newest release with it is this one.
 */
const RELEASE = 'bullseye';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const CACHE = join(import.meta.dirname, '../../../../node_modules/.cache/rampart-tests');
const CONFIGURATION = '{"scrape_configs":[{"job_name":"a","consul_sd_configs":[{"server":"127.0.0.1:1"}]}]}';

/** A Prometheus that knows `consul_sd_configs`: the one that is installed, else that of Debian 11, unpacked beside; or why there is none. */
export function prometheusWithConsul(): { readonly program: string } | { readonly missing: string } {
  if (knowsConsul('promtool')) return { program: 'prometheus' };
  const folder = join(CACHE, `prometheus-${RELEASE}`);
  if (!existsSync(folder)) unpack(folder);
  const program = join(folder, 'usr/bin/prometheus');
  if (existsSync(program) && knowsConsul(join(folder, 'usr/bin/promtool'))) return { program };
  return {
    missing:
      'no Prometheus here knows consul_sd_configs (Debian 12 builds it without), and that of Debian 11 cannot be had',
  };
}

function knowsConsul(promtool: string): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'rampart-promtool-'));
  const file = join(folder, 'prometheus.yml');
  writeFileSync(file, CONFIGURATION);
  const { status } = spawnSync(promtool, ['check', 'config', file], { stdio: 'ignore' });
  rmSync(folder, { recursive: true });
  return status === 0;
}

/** By apt with lists of its own: signatures are checked, and nothing of this machine's packages changes. */
function unpack(folder: string): void {
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(join(CACHE, 'apt-'));
  for (const part of ['lists/partial', 'archives/partial', 'unpacked'])
    mkdirSync(join(work, part), { recursive: true });
  writeFileSync(join(work, 'status'), '');
  writeFileSync(
    join(work, 'sources.list'),
    `deb [signed-by=${KEYRING}] http://deb.debian.org/debian ${RELEASE} main\n`,
  );
  const settings = [
    `Dir::Etc::sourcelist=${join(work, 'sources.list')}`,
    'Dir::Etc::sourceparts=/dev/null',
    `Dir::State::lists=${join(work, 'lists')}`,
    `Dir::State::status=${join(work, 'status')}`,
    `Dir::Cache=${work}`,
    'Acquire::Retries=0',
    'Acquire::Languages=none',
  ].flatMap((setting) => ['-o', setting]);
  const run = (program: string, args: readonly string[]): boolean =>
    spawnSync(program, args, { cwd: work, stdio: 'ignore', timeout: 60_000 }).status === 0;
  if (run('apt-get', [...settings, 'update']) && run('apt-get', [...settings, 'download', 'prometheus'])) {
    const file = readdirSync(work).find((name) => name.endsWith('.deb')) ?? '';
    if (run('dpkg-deb', ['-x', file, 'unpacked'])) renameSync(join(work, 'unpacked'), folder);
  }
  rmSync(work, { recursive: true, force: true });
}
