import { RampartError } from '@rampart/core';
import { type ApiToken, ApiTokenService } from '@rampart/wire';
import { type Command, Option } from 'commander';
import { parseDuration } from '../../arguments/duration.ts';
import { EXIT } from '../../exit-code.ts';
import { renderSpan, renderTime } from '../../render/moment.ts';
import { columnsOf, renderTable } from '../../render/table.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';

interface CreateOptions {
  readonly role: string;
  readonly ttl?: number;
}

interface RotateOptions {
  readonly ttl?: number;
  readonly overlap?: number;
}

const ROLES = ['admin', 'enroller', 'viewer'];

/** `rampart api-token`: bearer tokens of people and machines that call the control plane, for less than an hour. */
export function defineApiToken(parent: Command, shell: Shell): void {
  const token = parent
    .command('api-token')
    .description('short-lived tokens for people and machines that call the control plane');
  defineCreate(token, shell);
  token
    .command('list')
    .description('the tokens that are valid now; never the tokens themselves')
    .action((_: object, command: Command) => shell.run(command, listTokens));
  token
    .command('rotate')
    .description('exchange a token for a new one, and print that, alone, on standard output')
    .argument('[id]', 'which one, for admins (default: the token that calls)')
    .option('--ttl <duration>', 'how long the new one lives (default: as long as the old one did)', parseDuration)
    .option('--overlap <duration>', 'how long the old one goes on (default: 1m)', parseDuration)
    .action((id: string | undefined, options: RotateOptions, command: Command) =>
      shell.run(command, (invocation) => rotate(id ?? '', options, invocation)),
    );
  token
    .command('revoke')
    .description('end tokens at once, and the calls that are running with them')
    .argument('[id]', 'one token')
    .option('--name <name>', 'all tokens of this holder')
    .action((id: string | undefined, options: { readonly name?: string }, command: Command) =>
      shell.run(command, (invocation) => revoke({ id: id ?? '', name: options.name ?? '' }, invocation)),
    );
}

function defineCreate(parent: Command, shell: Shell): void {
  parent
    .command('create')
    .description('make a token and print it, alone, on standard output; it is shown this once')
    .argument('<name>', 'who holds it, for the audit record')
    .addOption(new Option('--role <role>', 'what it may do').choices(ROLES).makeOptionMandatory())
    .option('--ttl <duration>', 'how long it lives, less than an hour (default: 15m)', parseDuration)
    .addHelpText(
      'after',
      examples(
        ['rampart api-token create ann@example --role admin > ann.token', 'for a person'],
        ['rampart api-token create ci --role enroller --ttl 5m', 'for a pipeline that starts workloads'],
      ),
    )
    .action((name: string, options: CreateOptions, command: Command) =>
      shell.run(command, (invocation) => createToken(name, options, invocation)),
    );
}

async function createToken(name: string, { role, ttl }: CreateOptions, invocation: Invocation): Promise<number> {
  const made = await invocation.withService(ApiTokenService, (client) =>
    client.createApiToken({ name, role, ttlSeconds: secondsOf(ttl) }),
  );
  return showNew(made, invocation);
}

async function rotate(id: string, { ttl, overlap }: RotateOptions, invocation: Invocation): Promise<number> {
  const made = await invocation.withService(ApiTokenService, (client) =>
    client.rotateApiToken({ id, ttlSeconds: secondsOf(ttl), overlapSeconds: secondsOf(overlap) }),
  );
  return showNew(made, invocation);
}

function showNew(
  { token, description }: { readonly token: string; readonly description?: ApiToken | undefined },
  { show, note, io }: Invocation,
): number {
  if (description === undefined)
    throw new RampartError('INTERNAL', 'the control plane answered without a token; check its version');
  show({ data: () => ({ token, ...tokenData(description) }), table: () => `${token}\n` });
  const span = renderSpan(Number(description.expiresAt) - io.clock.now());
  note(`${description.id}: ${description.role} for ${description.name}, for ${span}`);
  return EXIT.ok;
}

async function listTokens({ withService, show, note, io }: Invocation): Promise<number> {
  const { tokens } = await withService(ApiTokenService, (client) => client.listApiTokens({}));
  const now = io.clock.now();
  show({
    data: () => tokens.map(tokenData),
    table: () =>
      renderTable(
        columnsOf('ID', 'NAME', 'ROLE', 'CREATED BY', 'ENDS IN'),
        tokens.map((token) => [
          token.id,
          token.name,
          token.role,
          token.createdBy,
          renderSpan(Number(token.expiresAt) - now),
        ]),
      ),
  });
  if (tokens.length === 0) note('no token is valid now');
  return EXIT.ok;
}

async function revoke(
  which: { readonly id: string; readonly name: string },
  { withService, show }: Invocation,
): Promise<number> {
  if ((which.id === '') === (which.name === '')) {
    throw new RampartError('INVALID_ARGUMENT', 'give the id of a token or --name, one of the two');
  }
  const { revoked } = await withService(ApiTokenService, (client) => client.revokeApiToken(which));
  if (revoked === 0)
    throw new RampartError('NOT_FOUND', 'no valid token is of that id or name; "rampart api-token list" shows them');
  show({
    data: () => ({ ...which, revoked }),
    table: () => `${revoked} ${revoked === 1 ? 'token' : 'tokens'} revoked\n`,
  });
  return EXIT.ok;
}

function secondsOf(milliseconds: number | undefined): number {
  return milliseconds === undefined ? 0 : Math.max(1, Math.ceil(milliseconds / 1000));
}

function tokenData({ id, name, role, createdAt, expiresAt, createdBy }: ApiToken): object {
  const times = { createdAt: renderTime(Number(createdAt)), expiresAt: renderTime(Number(expiresAt)) };
  return { id, name, role, ...times, createdBy };
}
