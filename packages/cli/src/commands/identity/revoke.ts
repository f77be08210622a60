import { RampartError } from '@rampart/core';
import { RevocationService, type RevokeResponse } from '@rampart/wire';
import { type Command, Option } from 'commander';
import { type Moment, momentAt, parseMoment } from '../../arguments/moment.ts';
import { parseSerial } from '../../arguments/serial.ts';
import { parseIdentity } from '../../arguments/workload.ts';
import { EXIT } from '../../exit-code.ts';
import { revocationData, revocationText } from '../../views/revocation.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { listRevocations } from './revocations.ts';

interface RevokeOptions {
  readonly identity?: string;
  readonly issuedBefore?: Moment;
  readonly issuer?: string;
  readonly namespace?: string;
  readonly reason?: string;
  readonly note?: string;
  readonly bar?: boolean;
  readonly lift?: string;
  readonly list?: boolean;
  readonly dryRun?: boolean;
}

/** Names of RFC 5280 §5.3.1. */
const REASONS = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'privilegeWithdrawn',
];

export function defineRevoke(parent: Command, shell: Shell): void {
  parent
    .command('revoke')
    .description(
      'revoke certificates and tokens, everywhere and at once: by serial, of an identity, or from before a time',
    )
    .argument('[serials...]', 'serial numbers in hexadecimal, as "rampart certs list" shows them')
    .option('--identity <who>', 'everything issued to it until now: a SPIFFE ID or namespace/service-account')
    .option('--issued-before <time>', 'everything issued before: 2026-01-20T10:30:00Z, 2h (ago), now', parseMoment)
    .option('--issuer <serial>', 'with --issued-before: certificates of this intermediate only')
    .option('--namespace <name>', 'with --issued-before: of this namespace only')
    .addOption(new Option('--reason <name>', 'why, in the words of RFC 5280').choices(REASONS))
    .option('--note <text>', 'why, in your own words; kept in the audit log')
    .option('--bar', 'with --identity: it gets nothing any more, not even by attesting, until --lift')
    .option('--lift <who>', 'let a barred identity attest again; what is revoked stays revoked')
    .option('--list', 'what was revoked, newest first, and who is barred')
    .option('--dry-run', 'say what would be hit, and change nothing')
    .addHelpText(
      'after',
      examples(
        ['rampart revoke 5fd1c3 --reason keyCompromise', 'one certificate'],
        ['rampart revoke --identity default/orders-api --dry-run', 'what an identity would lose'],
        ['rampart revoke --identity default/orders-api --bar --note "host taken over"', 'shut it out until --lift'],
        ['rampart revoke --lift default/orders-api', 'let it attest again'],
        ['rampart revoke --issued-before now --namespace payments', 'have a whole namespace attest again'],
        ['rampart revoke --list', 'what was revoked, and who is barred'],
      ),
    )
    .action((serials: string[], options: RevokeOptions, command: Command) =>
      shell.run(command, (invocation) => act(serials, options, invocation)),
    );
}

function act(serials: readonly string[], options: RevokeOptions, invocation: Invocation): Promise<number> {
  const { identity, issuedBefore, lift, list } = options;
  const named = [serials.length > 0, identity, issuedBefore, lift, list].filter(
    (given) => given !== undefined && given !== false,
  );
  if (named.length !== 1) {
    throw new RampartError(
      'INVALID_ARGUMENT',
      'name what is to be revoked: serial numbers, --identity or --issued-before (or --lift, --list); exactly one of them',
    );
  }
  if (list === true) return listRevocations(invocation);
  return lift === undefined ? revoke(serials, options, invocation) : liftBar(lift, options, invocation);
}

async function revoke(serials: readonly string[], options: RevokeOptions, invocation: Invocation): Promise<number> {
  const { identity, issuedBefore, issuer = '', namespace = '', dryRun = false, bar = false } = options;
  const { withService, show, io } = invocation;
  const spiffeId = identity === undefined ? '' : await spiffeIdOf(identity, invocation);
  const before = issuedBefore === undefined ? 0 : momentAt(issuedBefore, io.clock.now());
  const answer = await withService(RevocationService, (client) =>
    client.revoke({
      serials: serials.map(parseSerial),
      spiffeId,
      issuedBefore: BigInt(before),
      issuer,
      namespace,
      reason: options.reason ?? '',
      note: options.note ?? '',
      bar,
      dryRun,
    }),
  );
  const view = { spiffeId, serials, bar, dryRun };
  show({ data: () => revocationData(answer, view), table: () => revocationText(answer, view) });
  return exitOf(answer, options);
}

/** A dry run that hits nothing is an answer of no. */
function exitOf({ certificates }: RevokeResponse, { dryRun = false }: RevokeOptions): number {
  return dryRun && certificates === 0 ? EXIT.no : EXIT.ok;
}

async function liftBar(who: string, { note = '' }: RevokeOptions, invocation: Invocation): Promise<number> {
  const spiffeId = await spiffeIdOf(who, invocation);
  const { lifted } = await invocation.withService(RevocationService, (client) => client.liftBar({ spiffeId, note }));
  if (!lifted) throw new RampartError('NOT_FOUND', `${spiffeId} is not barred; "rampart revoke --list" shows who is`);
  invocation.show({ data: () => ({ spiffeId, lifted }), table: () => `${spiffeId} may attest again\n` });
  return EXIT.ok;
}

async function spiffeIdOf(who: string, { withAdmin }: Invocation): Promise<string> {
  if (who.startsWith('spiffe://')) return who;
  return parseIdentity(who, await withAdmin(async (client) => (await client.getStatus({})).trustDomain));
}
