import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The licences of the third-party code inside a bundle, which have to travel with it. */
export function thirdPartyLicences(folders: readonly string[]): string {
  return folders.map(licenceOf).join(`\n${'-'.repeat(80)}\n\n`);
}

function licenceOf(folder: string): string {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim();
  return `${String(manifest['name'])} ${String(manifest['version'])} (${String(manifest['license'])})\n\n${text}\n`;
}
