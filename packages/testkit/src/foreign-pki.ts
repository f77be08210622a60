import { execFileSync } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { fromPem } from '@rampart/spiffe';

/** A certificate of somebody else's authority, with its key. */
export interface ForeignCertificate {
  readonly der: Uint8Array;
  readonly certPem: string;
  readonly keyPem: string;
  readonly key: KeyObject;
}

export type ForeignKey = 'p256' | 'p384' | 'p521' | 'ed25519' | `rsa-${number}`;

export interface ForeignOptions {
  readonly name?: string;
  readonly key?: ForeignKey;
  readonly days?: number;
  /** Lines of an OpenSSL extension section. */
  readonly extensions?: readonly string[];
  readonly digest?: 'sha256' | 'sha1';
  /** Absent: signed by itself. */
  readonly issuer?: ForeignCertificate;
}

const CA_EXTENSIONS: readonly string[] = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];

/** Certificates of any form, made with the `openssl` command: what a company's own authority may have issued. */
export function foreignCertificate(options: ForeignOptions = {}): ForeignCertificate {
  const { name = 'host-1', key = 'p256', days = 10, extensions = [], digest = 'sha256', issuer } = options;
  const directory = mkdtempSync(join(tmpdir(), 'rampart-foreign-'));
  const at = (file: string): string => join(directory, file);
  try {
    const keyPem = newKey(key);
    writeFileSync(at('own.key'), keyPem, { mode: 0o600 });
    writeFileSync(at('own.ext'), extensions.join('\n'));
    openssl(directory, ['req', '-new', '-key', 'own.key', '-subj', `/O=Foreign/CN=${name}`, '-out', 'own.csr']);
    writeFileSync(at('ca.crt'), issuer?.certPem ?? '');
    writeFileSync(at('ca.key'), issuer?.keyPem ?? '', { mode: 0o600 });
    const signedBy = issuer === undefined ? ['-signkey', 'own.key'] : ['-CA', 'ca.crt', '-CAkey', 'ca.key'];
    const hash = key === 'ed25519' && issuer === undefined ? [] : [`-${digest}`];
    openssl(directory, [
      ...['x509', '-req', '-in', 'own.csr', ...signedBy, '-set_serial', serial(), ...hash],
      ...['-days', String(days), '-extfile', 'own.ext', '-out', 'own.crt'],
    ]);
    const certPem = readFileSync(at('own.crt'), 'utf8');
    const [der] = fromPem(certPem);
    if (der === undefined) throw new Error('openssl wrote no certificate');
    return { der, certPem, keyPem, key: createPrivateKey(keyPem) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A root, or an intermediate below an issuer. */
export function foreignAuthority(options: ForeignOptions = {}): ForeignCertificate {
  return foreignCertificate({ name: 'Foreign CA', days: 100, extensions: CA_EXTENSIONS, ...options });
}

function openssl(directory: string, args: readonly string[]): void {
  execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
}

let serials = 0;

function serial(): string {
  serials += 1;
  return String(serials);
}

const CURVES: Readonly<Record<string, string>> = { p256: 'P-256', p384: 'P-384', p521: 'P-521' };

function newKey(key: ForeignKey): string {
  const namedCurve = CURVES[key];
  const { privateKey } =
    namedCurve !== undefined
      ? generateKeyPairSync('ec', { namedCurve })
      : key === 'ed25519'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('rsa', { modulusLength: Number(key.slice('rsa-'.length)) });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}
