import { RampartError } from '@rampart/core';
import { type JwtKey, TrustService } from '@rampart/wire';
import type { Command } from 'commander';
import { parseDuration } from '../../arguments/duration.ts';
import { parseIdentity } from '../../arguments/workload.ts';
import { EXIT } from '../../exit-code.ts';
import { renderSpan, renderTime } from '../../render/moment.ts';
import { columnsOf, renderTable } from '../../render/table.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { readTokenText } from '../../token/presented-token.ts';

interface MintOptions {
  readonly audience: readonly string[];
  readonly ttl?: number;
}

/** `rampart jwt`: JWT-SVIDs and the keys that sign them. */
export function defineJwt(parent: Command, shell: Shell): void {
  const jwt = parent.command('jwt').description('JWT-SVIDs: mint and validate them, and rotate the keys behind them');
  defineMint(jwt, shell);
  defineValidate(jwt, shell);
  jwt
    .command('keys')
    .description('the keys that sign JWT-SVIDs, and which of them are published')
    .action((_: object, command: Command) => shell.run(command, listKeys));
  jwt
    .command('rotate')
    .description('make the next signing key now; it signs once it has been published for long enough')
    .action((_: object, command: Command) => shell.run(command, rotateKey));
  jwt
    .command('revoke')
    .description('take a key out of the trust bundle at once, and with it every token that it signed')
    .argument('<key>', 'id of the key, as "rampart jwt keys" shows it')
    .addHelpText(
      'after',
      examples(['rampart jwt revoke -- -QSRGyDs4ak', 'an id may begin with a hyphen: "--" ends the options']),
    )
    .action((keyId: string, _: object, command: Command) =>
      shell.run(command, (invocation) => revokeKey(keyId, invocation)),
    );
}

function defineMint(parent: Command, shell: Shell): void {
  parent
    .command('mint')
    .description('issue a JWT-SVID of an identity and print it, alone, on standard output')
    .argument('<identity>', 'whose it is: a SPIFFE ID or namespace/service-account')
    .requiredOption('--audience <name>', 'who may accept it; may be given several times', collect)
    .option('--ttl <duration>', 'how long it is valid, at most 1h (default: 5m)', parseDuration)
    .addHelpText(
      'after',
      examples([
        'rampart jwt mint default/web --audience https://vault.example > token',
        'for somebody who knows no mTLS',
      ]),
    )
    .action((identity: string, options: MintOptions, command: Command) =>
      shell.run(command, (invocation) => mint(identity, options, invocation)),
    );
}

function defineValidate(parent: Command, shell: Shell): void {
  parent
    .command('validate')
    .description('whether a JWT-SVID of this or a federated trust domain is valid; exit code 1 when it is not')
    .argument('<token>', '@FILE that holds it, or @- for standard input')
    .requiredOption('--audience <name>', 'who is asked to accept it')
    .addHelpText('after', examples(['rampart jwt validate @token --audience https://vault.example', 'is it good?']))
    .action((token: string, options: { readonly audience: string }, command: Command) =>
      shell.run(command, (invocation) => validate(token, options.audience, invocation)),
    );
}

function collect(text: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, text];
}

async function mint(
  identity: string,
  options: MintOptions,
  { withAdmin, withService, show, note, io }: Invocation,
): Promise<number> {
  const spiffeId = identity.startsWith('spiffe://')
    ? identity
    : parseIdentity(identity, await withAdmin(async (client) => (await client.getStatus({})).trustDomain));
  const ttlSeconds = options.ttl === undefined ? 0 : Math.max(1, Math.ceil(options.ttl / 1000));
  const minted = await withService(TrustService, (client) =>
    client.mintJwtSvid({ spiffeId, audiences: [...options.audience], ttlSeconds }),
  );
  const expiresAt = Number(minted.expiresAt);
  show({
    data: () => ({ token: minted.token, spiffeId: minted.spiffeId, expiresAt: renderTime(expiresAt) }),
    table: () => `${minted.token}\n`,
  });
  note(`of ${minted.spiffeId}, for ${renderSpan(expiresAt - io.clock.now())}`);
  return EXIT.ok;
}

async function validate(
  name: string,
  audience: string,
  { withService, show, io, palette }: Invocation,
): Promise<number> {
  const token = await readTokenText(name, io);
  const { problem, message, spiffeId, claims } = await withService(TrustService, (client) =>
    client.validateJwtSvid({ token, audience }),
  );
  const isValid = problem === '';
  show({
    data: () =>
      isValid ? { valid: true, spiffeId, claims: JSON.parse(claims) as unknown } : { valid: false, problem, message },
    table: () =>
      isValid ? `${palette.good('valid')}   ${spiffeId}\n` : `${palette.bad('invalid')}   ${problem}: ${message}\n`,
  });
  return isValid ? EXIT.ok : EXIT.no;
}

async function listKeys({ withService, show }: Invocation): Promise<number> {
  const { keys } = await withService(TrustService, (client) => client.listJwtKeys({}));
  show({
    data: () => keys.map(keyData),
    table: () =>
      renderTable(
        columnsOf('KEY', 'ALGORITHM', 'STATE', 'CREATED', 'SIGNS FROM', 'UNTIL'),
        keys.map((key) => [
          key.keyId,
          key.algorithm,
          key.state,
          renderTime(Number(key.createdAt)),
          renderTime(Number(key.activeFrom)),
          renderTime(Number(key.notAfter)),
        ]),
      ),
  });
  return EXIT.ok;
}

async function rotateKey({ withService, show }: Invocation): Promise<number> {
  const key = await withService(TrustService, (client) => client.rotateJwtKey({}));
  show({
    data: () => keyData(key),
    table: () => `key ${key.keyId} is published, and signs from ${renderTime(Number(key.activeFrom))}\n`,
  });
  return EXIT.ok;
}

async function revokeKey(keyId: string, { withService, show }: Invocation): Promise<number> {
  const { revoked } = await withService(TrustService, (client) => client.revokeJwtKey({ keyId }));
  if (!revoked) {
    throw new RampartError(
      'NOT_FOUND',
      `no key in the trust bundle has the id ${keyId}; "rampart jwt keys" lists them`,
    );
  }
  show({
    data: () => ({ keyId, revoked: true }),
    table: () => `key ${keyId} revoked: no token that it signed is valid any more\n`,
  });
  return EXIT.ok;
}

function keyData({ keyId, algorithm, state, createdAt, activeFrom, notAfter }: JwtKey): object {
  const times = { createdAt: renderTime(Number(createdAt)), activeFrom: renderTime(Number(activeFrom)) };
  return { keyId, algorithm, state, ...times, notAfter: renderTime(Number(notAfter)) };
}
