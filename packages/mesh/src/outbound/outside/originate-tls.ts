import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';

import { RampartError } from '@rampart/core';

import type { OriginatedTls } from './way-out.ts';

/**
 * What `tls.connect` needs in order to speak TLS in a caller's place. Files are read each time, so that a renewed certificate
 * is the next connection's. Rejects with a RampartError when one of them cannot be read.
 */
export async function tlsOptions(settings: OriginatedTls): Promise<ConnectionOptions> {
  const { caCertificates, clientCertificate, privateKey } = settings;
  const [ca, cert, key] = await Promise.all([caCertificates, clientCertificate, privateKey].map(textOf));
  return optionsOf(settings, { ca, cert, key });
}

/** The same at once, for a connection that its caller has to be given now: files are read while it waits. @throws RampartError */
export function readTlsOptions(settings: OriginatedTls): ConnectionOptions {
  const [ca, cert, key] = [settings.caCertificates, settings.clientCertificate, settings.privateKey].map(textNow);
  return optionsOf(settings, { ca, cert, key });
}

interface Files {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

function optionsOf({ sni, subjectAltNames }: OriginatedTls, { ca, cert, key }: Files): ConnectionOptions {
  return {
    servername: sni,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    checkServerIdentity: (_host, { raw }) => identityProblem(raw, subjectAltNames),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

/** An error where a certificate has none of the names. */
function identityProblem(raw: Buffer, names: readonly string[]): Error | undefined {
  const certificate = new X509Certificate(raw);
  if (names.some((name) => isNamed(certificate, name))) return undefined;
  const has = certificate.subjectAltName ?? 'no name';
  return new RampartError(
    'INVALID_CERTIFICATE',
    `the server's certificate is for ${has}, and not for ${names.join(', ')}`,
  );
}

/** DNS names as RFC 9525 has it, addresses, or URIs in full. */
function isNamed(certificate: X509Certificate, name: string): boolean {
  if (name.includes('://')) return (certificate.subjectAltName ?? '').split(', ').includes(`URI:${name}`);
  if (isIP(name) !== 0) return certificate.checkIP(name) !== undefined;
  return certificate.checkHost(name, { subject: 'never' }) !== undefined;
}

async function textOf(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

function textNow(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

function unreadable(file: string, cause: unknown): RampartError {
  return new RampartError('INVALID_CERTIFICATE', `a DestinationRule names ${file}, which cannot be read`, { cause });
}
