import { createPrivateKey, type X509Certificate } from 'node:crypto';
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RampartError } from '@rampart/core';
import type { SvidSet } from './svid-set.ts';

const OWNER_ONLY = 0o600;
const FOLDER_MODE = 0o700;
const PEM_WIDTH = 64;

/**
 * Writes SVIDs as PEM files, under the names that `spire-agent api fetch x509 -write` gives them: `svid.N.pem`, `svid.N.key`,
 * `bundle.N.pem`, `federated_bundle.N.pem`, and `crl.pem`. Only the owner may read them. Each file is replaced in one step.
 *
 * @returns the paths. @throws RampartError INVALID_ARGUMENT when the folder cannot be written to.
 */
export async function writeSvidFiles(folder: string, { svids, federated, crls }: SvidSet): Promise<readonly string[]> {
  const files: (readonly [name: string, text: string])[] = svids.flatMap(({ chain, key, bundle }, index) => [
    [`svid.${index}.key`, pkcs8(key)] as const,
    [`svid.${index}.pem`, pemOf(chain)] as const,
    [`bundle.${index}.pem`, pemOf(bundle)] as const,
  ]);
  for (const [index, roots] of [...federated.values()].entries()) {
    files.push([`federated_bundle.${index}.pem`, pemOf(roots)]);
  }
  if (crls.length > 0) files.push(['crl.pem', crls.map(crlPem).join('')]);
  try {
    await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
    return await Promise.all(files.map(([name, text]) => replace(join(folder, name), text)));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown error';
    throw new RampartError('INVALID_ARGUMENT', `the files cannot be written: ${reason}`, { cause });
  }
}

async function replace(path: string, text: string): Promise<string> {
  const temporary = `${path}.new`;
  await writeFile(temporary, text, { mode: OWNER_ONLY });
  // An older file under that name may have been open to more.
  await chmod(temporary, OWNER_ONLY);
  await rename(temporary, path);
  return path;
}

function pemOf(certificates: readonly X509Certificate[]): string {
  return certificates.map((certificate) => certificate.toString()).join('');
}

function pkcs8(der: Uint8Array): string {
  const key = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function crlPem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(new RegExp(`.{1,${PEM_WIDTH}}`, 'g')) ?? [];
  return `-----BEGIN X509 CRL-----\n${lines.join('\n')}\n-----END X509 CRL-----\n`;
}
