import type { Cursor, Reader } from '../../cursor.ts';
import { textList } from '../../text-list.ts';
import { absent, need } from '../document-form.ts';
import { hostProblem } from '../host.ts';

/** TLS of connections that leave the mesh (istio/api `ClientTLSSettings`). */
export interface ClientTls {
  /** ISTIO_MUTUAL is what every hop within the mesh has, and may be said. */
  readonly mode: ClientTlsMode;
  /** Files on the machine of the caller, PEM; for MUTUAL. */
  readonly clientCertificate?: string;
  readonly privateKey?: string;
  /** A file of roots, PEM; absent or "system": those of the machine. */
  readonly caCertificates?: string;
  /** Any of them in the certificate is enough; absent: the name that was called. */
  readonly subjectAltNames?: readonly string[];
  /** Absent: the name that was called. */
  readonly sni?: string;
}

export type ClientTlsMode = 'DISABLE' | 'SIMPLE' | 'MUTUAL' | 'ISTIO_MUTUAL';

interface Refused {
  readonly credentialName: never;
  readonly insecureSkipVerify: never;
  readonly caCrl: never;
}

const MODES: readonly ClientTlsMode[] = ['DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL'];
const FILES = ['clientCertificate', 'privateKey'] as const;

const readFile: Reader<string> = (at) =>
  at.checked((text) =>
    text.startsWith('/') ? undefined : 'must be a whole path, from "/" on, on the machine of the caller',
  );

export function readClientTls(at: Cursor): ClientTls | undefined {
  const fields = at.fields<ClientTls & Refused>({
    mode: (mode) => mode.word(MODES),
    clientCertificate: readFile,
    privateKey: readFile,
    caCertificates: (file) => (file.value === 'system' ? undefined : readFile(file)),
    subjectAltNames: textList(),
    sni: (sni) => sni.checked(hostProblem),
    credentialName: absent('keys are read from files here: use clientCertificate, privateKey and caCertificates'),
    insecureSkipVerify: absent(
      'a server whose certificate nobody looks at may be anybody: name its roots in caCertificates',
    ),
    caCrl: absent('lists of revoked certificates are not read here'),
  });
  need(at, 'mode');
  const { mode, ...rest } = fields ?? {};
  if (mode === undefined) return undefined;
  checkFiles(at, mode);
  return { ...rest, mode };
}

function checkFiles(at: Cursor, mode: ClientTlsMode): void {
  if (mode === 'MUTUAL') need(at, ...FILES);
  const useless: readonly string[] = {
    DISABLE: [...FILES, 'caCertificates', 'subjectAltNames', 'sni'],
    ISTIO_MUTUAL: [...FILES, 'caCertificates', 'subjectAltNames', 'sni'],
    SIMPLE: FILES,
    MUTUAL: [],
  }[mode];
  for (const name of useless) {
    const child = at.child(name);
    if (child.value !== undefined) child.misplaced(`has no meaning for mode ${mode}: remove it`);
  }
}
