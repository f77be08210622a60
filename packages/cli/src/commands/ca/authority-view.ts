import type { CertificateAuthority } from '@rampart/wire';
import { renderTime } from '../../render/moment.ts';
import { pemOf } from './pem.ts';

/** An authority as plain data. */
export function authorityData(authority: CertificateAuthority): object {
  const { kind, serial, name, state, root, canSign, certificate } = authority;
  return {
    kind,
    serial,
    name,
    state,
    since: renderTime(Number(authority.since)),
    notBefore: renderTime(Number(authority.notBefore)),
    notAfter: renderTime(Number(authority.notAfter)),
    root,
    canSign,
    prepareAt: renderTime(Number(authority.prepareAt)),
    activateAt: renderTime(Number(authority.activateAt)),
    certificate: pemOf(certificate, 'CERTIFICATE'),
  };
}
