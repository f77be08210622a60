import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { TestCa } from './test-ca.ts';

/** A certificate that our own builder refuses to build, made with the `openssl` command and the test CA's key. */
export interface Forgery {
  readonly certPem: string;
  readonly keyPem: string;
}

export interface ForgeryOptions {
  /** Lines of an OpenSSL extension section, such as "subjectAltName=URI:spiffe://a/b,URI:spiffe://a/c". */
  readonly extensions: readonly string[];
  /** Signs with its own key instead of the CA's. */
  readonly selfSigned?: boolean;
  /** Signed long ago: [from, to] in OpenSSL's form YYMMDDHHMMSSZ. */
  readonly validity?: readonly [string, string];
}

export function forge(ca: TestCa, options: ForgeryOptions): Forgery {
  const directory = mkdtempSync(join(tmpdir(), 'rampart-forgery-'));
  const at = (name: string): string => join(directory, name);
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
  };
  try {
    writeFileSync(at('ca.crt'), ca.rootPem);
    writeFileSync(at('ca.key'), ca.rootKey.privateKeyPem(), { mode: 0o600 });
    writeFileSync(at('leaf.ext'), options.extensions.join('\n'));
    openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'leaf.key');
    openssl('req', '-new', '-key', 'leaf.key', '-subj', '/O=Forged', '-out', 'leaf.csr');
    if (options.validity === undefined) {
      const signedBy =
        options.selfSigned === true
          ? ['-signkey', 'leaf.key']
          : ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'];
      openssl('x509', '-req', '-in', 'leaf.csr', ...signedBy, '-days', '1', '-extfile', 'leaf.ext', '-out', 'leaf.crt');
    } else {
      signInThePast(at, openssl, options.validity);
    }
    return { certPem: readFileSync(at('leaf.crt'), 'utf8'), keyPem: readFileSync(at('leaf.key'), 'utf8') };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Only `openssl ca` lets both ends of the validity be chosen, and it wants a database of its own. */
function signInThePast(
  at: (name: string) => string,
  openssl: (...args: string[]) => void,
  [from, to]: readonly [string, string],
): void {
  writeFileSync(at('index.txt'), '');
  writeFileSync(at('serial'), '01\n');
  writeFileSync(
    at('ca.cnf'),
    '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n[p]\norganizationName=optional\n',
  );
  openssl(
    ...[
      'ca',
      '-batch',
      '-config',
      'ca.cnf',
      '-cert',
      'ca.crt',
      '-keyfile',
      'ca.key',
      '-in',
      'leaf.csr',
      '-out',
      'leaf.crt',
      '-notext',
    ],
    ...['-extfile', 'leaf.ext', '-startdate', from, '-enddate', to],
  );
}
