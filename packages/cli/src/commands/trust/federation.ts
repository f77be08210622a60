import { type TrustDomainStatus, TrustService } from '@rampart/wire';
import type { Command } from 'commander';
import { EXIT } from '../../exit-code.ts';
import { renderSpan, renderTime } from '../../render/moment.ts';
import { type Cell, columnsOf, renderTable } from '../../render/table.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';

/** `rampart federation`: which trust domains are known, and by which bundle. */
export function defineFederation(parent: Command, shell: Shell): void {
  const federation = parent
    .command('federation')
    .description('other trust domains: which are known, and by which bundle');
  federation
    .command('list', { isDefault: true })
    .description('the trust domains that are known, and when their bundles were last fetched')
    .action((_: object, command: Command) => shell.run(command, listDomains));
  federation
    .command('bundle')
    .description('the bundle of this trust domain, or of one that it federates with, as a SPIFFE bundle document')
    .argument('[trust-domain]', 'which one (default: this one)')
    .option('--pem', 'the root certificates as PEM instead')
    .addHelpText(
      'after',
      examples(
        ['rampart federation bundle > cluster.local.bundle', 'for the operators of another trust domain'],
        ['rampart federation bundle partner.example --pem', 'whom their workloads are judged by'],
      ),
    )
    .action((trustDomain: string | undefined, options: { readonly pem?: true }, command: Command) =>
      shell.run(command, (invocation) => showBundle(trustDomain ?? '', options, invocation)),
    );
}

async function listDomains({ withService, show, io, palette }: Invocation): Promise<number> {
  const { trustDomains } = await withService(TrustService, (client) => client.listTrustDomains({}));
  const now = io.clock.now();
  show({
    data: () => trustDomains.map(statusData),
    table: () =>
      renderTable(
        columnsOf('TRUST DOMAIN', 'PROFILE', 'ROOTS', 'JWT KEYS', 'SEQUENCE', 'FETCHED', 'STATUS'),
        trustDomains.map((status) => [
          status.trustDomain,
          status.profile,
          String(status.roots),
          String(status.jwtKeys),
          String(status.sequence),
          status.fetchedAt === 0n ? '' : `${renderSpan(now - Number(status.fetchedAt))} ago`,
          healthOf(status, { good: palette.good, bad: palette.bad }),
        ]),
      ),
  });
  return EXIT.ok;
}

function healthOf(
  { profile, problem, fetchedAt }: TrustDomainStatus,
  paint: { readonly good: (text: string) => string; readonly bad: (text: string) => string },
): Cell {
  if (problem !== '') return { text: problem, paint: paint.bad };
  if (profile === 'own') return { text: 'this one', paint: paint.good };
  return fetchedAt === 0n ? 'not fetched yet' : { text: 'current', paint: paint.good };
}

async function showBundle(
  trustDomain: string,
  { pem }: { readonly pem?: true },
  { withService, show }: Invocation,
): Promise<number> {
  const bundle = await withService(TrustService, (client) => client.getTrustBundle({ trustDomain }));
  const document = JSON.parse(bundle.document) as unknown;
  show({
    data: () => document,
    table: () => (pem === true ? bundle.roots.map(pemOf).join('') : `${JSON.stringify(document, null, 4)}\n`),
  });
  return EXIT.ok;
}

function pemOf(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function statusData(status: TrustDomainStatus): object {
  return {
    trustDomain: status.trustDomain,
    profile: status.profile,
    bundleEndpointUrl: status.bundleEndpointUrl,
    sequence: Number(status.sequence),
    roots: status.roots,
    jwtKeys: status.jwtKeys,
    fetchedAt: renderTime(Number(status.fetchedAt)),
    nextPollAt: renderTime(Number(status.nextPollAt)),
    problem: status.problem,
  };
}
