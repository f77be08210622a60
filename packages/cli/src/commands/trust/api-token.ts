import { RampartError } from '@rampart/core';
import { type ApiToken, ApiTokenService } from '@rampart/wire';
import { type Command, Option } from 'commander';
import { parseDuration } from '../../arguments/duration.ts';
import { collectText } from '../../arguments/pair.ts';
import { EXIT } from '../../exit-code.ts';
import { renderSpan, renderTime } from '../../render/moment.ts';
import { columnsOf, renderTable } from '../../render/table.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';

interface CreateOptions {
  readonly role: string;
  readonly ttl?: number;
  readonly team?: readonly string[];
  readonly static?: boolean;
}

interface RotateOptions {
  readonly ttl?: number;
  readonly overlap?: number;
}

const ROLES = ['admin', 'enroller', 'viewer', 'service'];

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
    .option('--team <name>', 'a team that its holder is of, for rules of the registry; may be repeated', collectText)
    .option('--static', 'it lives until it is revoked (only for --role service)')
    .addHelpText(
      'after',
      examples(
        ['rampart api-token create ann@example --role admin > ann.token', 'for a person'],
        ['rampart api-token create ci --role enroller --ttl 5m', 'for a pipeline that starts workloads'],
        ['rampart api-token create bob --role service --team ops', 'for what the registry lets the team ops do'],
        ['rampart api-token create legacy-db --role service --static', 'for a service that can keep one token only'],
      ),
    )
    .action((name: string, options: CreateOptions, command: Command) =>
      shell.run(command, (invocation) => createToken(name, options, invocation)),
    );
}

async function createToken(name: string, options: CreateOptions, invocation: Invocation): Promise<number> {
  const { role, ttl, team = [], static: isStatic = false } = options;
  const made = await invocation.withService(ApiTokenService, (client) =>
    client.createApiToken({ name, role, ttlSeconds: secondsOf(ttl), teams: [...team], static: isStatic }),
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
  const end = endOf(description, io.clock.now());
  note(
    `${description.id}: ${description.role} for ${description.name}, ${end === NEVER ? 'until it is revoked' : `for ${end}`}`,
  );
  return EXIT.ok;
}

async function listTokens({ withService, show, note, io }: Invocation): Promise<number> {
  const { tokens } = await withService(ApiTokenService, (client) => client.listApiTokens({}));
  const now = io.clock.now();
  show({
    data: () => tokens.map(tokenData),
    table: () =>
      renderTable(
        columnsOf('ID', 'NAME', 'ROLE', 'CREATED BY', 'ENDS IN', 'TEAMS'),
        tokens.map((token) => [
          token.id,
          token.name,
          token.role,
          token.createdBy,
          endOf(token, now),
          token.teams.join(', '),
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

const NEVER = 'never';

/** How long it lives yet. */
function endOf({ expiresAt }: ApiToken, now: number): string {
  return expiresAt === 0n ? NEVER : renderSpan(Number(expiresAt) - now);
}

function tokenData({ id, name, role, teams, createdAt, expiresAt, createdBy }: ApiToken): object {
  const end = expiresAt === 0n ? null : renderTime(Number(expiresAt));
  return { id, name, role, teams: [...teams], createdAt: renderTime(Number(createdAt)), expiresAt: end, createdBy };
}
