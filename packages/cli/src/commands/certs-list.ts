import type { Certificate } from '@rampart/wire';
import type { Command } from 'commander';
import { parseLimit } from '../arguments/number.ts';
import { parseIdentity } from '../arguments/workload.ts';
import { EXIT } from '../exit-code.ts';
import type { Palette } from '../render/colour.ts';
import { renderSpan, renderTime } from '../render/moment.ts';
import { shortIdentity } from '../render/names.ts';
import { columnsOf, renderTable } from '../render/table.ts';
import { examples, type Invocation, type Shell } from '../shell.ts';

interface ListOptions {
  readonly identity?: string;
  readonly limit: number;
}

const DEFAULT_LIMIT = 50;

export function defineCertsList(parent: Command, shell: Shell): void {
  parent
    .command('list', { isDefault: true })
    .description('the newest certificates, who holds them and until when')
    .option('--identity <who>', 'only this identity: a SPIFFE ID or namespace/service-account')
    .option('--limit <count>', `at most this many (default: ${DEFAULT_LIMIT})`, parseLimit, DEFAULT_LIMIT)
    .addHelpText(
      'after',
      examples(
        ['rampart certs list', 'the newest ones'],
        ['rampart certs list --identity default/orders-api', "one workload's"],
      ),
    )
    .action((options: ListOptions, command: Command) =>
      shell.run(command, (invocation) => listCertificates(options, invocation)),
    );
}

async function listCertificates(
  options: ListOptions,
  { withAdmin, show, note, io, palette }: Invocation,
): Promise<number> {
  const { certificates, home } = await withAdmin(async (client) => {
    const home = (await client.getStatus({})).trustDomain;
    const spiffeId = options.identity === undefined ? '' : parseIdentity(options.identity, home);
    return { home, certificates: (await client.listCertificates({ spiffeId, limit: options.limit })).certificates };
  });
  show({
    data: () => certificates.map(certificateData),
    table: () =>
      renderTable(
        columnsOf('SERIAL', 'IDENTITY', 'KIND', 'REASON', 'ISSUED', 'EXPIRES', 'STATUS'),
        certificates.map((certificate) => [
          certificate.serial,
          shortIdentity(certificate.spiffeId, home),
          certificate.kind,
          certificate.reason,
          `${renderSpan(io.clock.now() - Number(certificate.issuedAt))} ago`,
          renderTime(Number(certificate.notAfter)),
          leftOf(certificate, { now: io.clock.now(), palette }),
        ]),
      ),
  });
  if (certificates.length === 0) note('no certificate was issued to that identity');
  return EXIT.ok;
}

/** What is left of a certificate, or why nothing is. */
export function leftOf(
  certificate: Certificate,
  at: { readonly now: number; readonly palette: Palette },
): { readonly text: string; readonly paint: (text: string) => string } {
  if (certificate.revokedAt !== 0n) return { text: `revoked: ${certificate.revocationReason}`, paint: at.palette.bad };
  const left = Number(certificate.notAfter) - at.now;
  return left <= 0
    ? { text: 'expired', paint: at.palette.dim }
    : { text: `valid ${renderSpan(left)}`, paint: at.palette.good };
}

/** A certificate on record as data. */
export function certificateData(certificate: Certificate): object {
  return {
    serial: certificate.serial,
    spiffeId: certificate.spiffeId,
    kind: certificate.kind,
    issuer: certificate.issuer,
    requestedBy: certificate.requestedBy,
    reason: certificate.reason,
    issuedAt: renderTime(Number(certificate.issuedAt)),
    notBefore: renderTime(Number(certificate.notBefore)),
    notAfter: renderTime(Number(certificate.notAfter)),
    revokedAt: renderTime(Number(certificate.revokedAt)),
    revocationReason: certificate.revocationReason,
    sequence: Number(certificate.sequence),
  };
}
