import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RootKey } from '@rampart/authority';
import { RampartError, TrustDomain } from '@rampart/core';
import { FileKeyStore, fromPassphrase } from '@rampart/keyring';
import {
  buildCertificate,
  checkAuthorityProfile,
  fromPem,
  parseCertificate,
  type ParsedCertificate,
  randomSerial,
  toPem,
} from '@rampart/spiffe';

/** A root in a directory of its own: `root.pem`, `root.key` (encrypted), `root.kdf` (salt and cost), `signed.log`. */
export interface OfflineRoot extends RootKey {
  readonly directory: string;
  readonly certificate: ParsedCertificate;
  readonly trustDomain: TrustDomain;
}

export interface NewOfflineRoot {
  /** Made, mode 0700, when it is missing. */
  readonly directory: string;
  /** At least 12 characters. */
  readonly passphrase: string;
  readonly trustDomain: string;
  readonly lifeMs: number;
  /** Unix milliseconds. */
  readonly now: number;
}

const KEY_NAME = 'root';
/** For machines whose clock is behind. */
const CUSHION_MS = 10_000;
const SECOND_MS = 1000;

/**
 * Makes a root and keeps its key encrypted under the passphrase. Needs no network.
 * @throws RampartError ALREADY_EXISTS, INVALID_ARGUMENT (passphrase, trust domain, life), STORAGE_FAILED.
 */
export async function createOfflineRoot(
  wanted: NewOfflineRoot,
): Promise<OfflineRoot & { readonly serial: string; readonly notAfter: number }> {
  const { directory, now, lifeMs } = wanted;
  const trustDomain = TrustDomain.of(wanted.trustDomain);
  if (lifeMs < SECOND_MS) throw new RampartError('INVALID_ARGUMENT', 'a root lives at least a second');
  await makeDirectory(directory);
  if ((await readIfThere(certificateFile(directory))) !== undefined) throw existing(directory);
  const signer = await (await keysOf(directory, wanted.passphrase)).create(KEY_NAME).catch((error: unknown) => {
    throw error instanceof RampartError && error.code === 'ALREADY_EXISTS' ? existing(directory) : error;
  });
  const serial = randomSerial();
  const certificate = await buildCertificate(
    {
      kind: 'root',
      serial,
      publicKeyDer: signer.publicKeyDer,
      trustDomain,
      commonName: `Rampart root CA ${Buffer.from(serial).toString('hex').slice(0, 8)}`,
      pathLength: 1,
      notBefore: wholeSeconds(now - CUSHION_MS),
      notAfter: wholeSeconds(now + lifeMs),
    },
    (tbs) => signer.sign(tbs),
  );
  await writeDurably(certificateFile(directory), toPem(certificate.der), 'wx');
  const { der, notAfter } = certificate;
  return { directory, certificate, trustDomain, der, signer, serial: certificate.serial, notAfter };
}

/** @throws RampartError NOT_FOUND, KEY_UNREADABLE for a wrong passphrase or damage, INVALID_CERTIFICATE. */
export async function openOfflineRoot(directory: string, passphrase: string): Promise<OfflineRoot> {
  const pem = await readIfThere(certificateFile(directory));
  if (pem === undefined) {
    throw new RampartError(
      'NOT_FOUND',
      `${directory} holds no root; make one with: rampart ca init --offline ${directory}`,
    );
  }
  const { certificate, trustDomain } = readRoot(pem, directory);
  // Without this file a new salt would be made, and no passphrase would ever be right.
  if ((await readIfThere(parametersFile(directory))) === undefined) {
    throw new RampartError('KEY_UNREADABLE', `${parametersFile(directory)} is missing; restore it from the backup`);
  }
  const signer = await (await keysOf(directory, passphrase)).open(KEY_NAME);
  if (signer === undefined || Buffer.compare(signer.publicKeyDer, certificate.publicKey.der) !== 0) {
    throw new RampartError(
      'KEY_UNREADABLE',
      `the key of the root in ${directory} is missing or another one; restore it`,
    );
  }
  return { directory, certificate, trustDomain, der: certificate.der, signer };
}

/** A file that is on the disk when this returns. */
export async function writeDurably(file: string, text: string, flags: 'wx' | 'a'): Promise<void> {
  const handle = await open(file, flags, flags === 'wx' ? 0o644 : 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export function wholeSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / SECOND_MS) * SECOND_MS;
}

function readRoot(pem: string, directory: string): Pick<OfflineRoot, 'certificate' | 'trustDomain'> {
  const [der] = fromPem(pem);
  const parsed = der === undefined ? undefined : parseCertificate(der);
  const profile = parsed?.ok === true ? checkAuthorityProfile(parsed.value) : undefined;
  if (parsed?.ok === true && profile?.ok === true && profile.value !== undefined) {
    return { certificate: parsed.value, trustDomain: profile.value };
  }
  throw new RampartError(
    'INVALID_CERTIFICATE',
    `${certificateFile(directory)} holds no root of a trust domain; restore it`,
  );
}

async function keysOf(directory: string, passphrase: string): Promise<FileKeyStore> {
  const keyEncryptionKey = await fromPassphrase({ passphrase, file: parametersFile(directory) });
  return new FileKeyStore({ directory, keyEncryptionKey });
}

function certificateFile(directory: string): string {
  return join(directory, 'root.pem');
}

function parametersFile(directory: string): string {
  return join(directory, 'root.kdf');
}

function existing(directory: string): RampartError {
  return new RampartError('ALREADY_EXISTS', `${directory} holds a root already; name another directory`);
}

async function makeDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw new RampartError('STORAGE_FAILED', `directory ${directory} cannot be made; check its path and owner`, {
      cause,
    });
  });
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new RampartError('STORAGE_FAILED', `${file} cannot be read; check its owner and mode`, { cause });
  }
}
