import { createHash } from 'node:crypto';
import { parseResource, type Quarantine, RampartError } from '@rampart/core';
import type { StoredResource } from '@rampart/wire';
import type { Command } from 'commander';
import { parseIdentity } from '../../arguments/workload.ts';
import type { AdminClient } from '../../connection/admin-connection.ts';
import { reportRefusal } from '../../documents/refusal.ts';
import { EXIT } from '../../exit-code.ts';
import { renderSpan } from '../../render/moment.ts';
import { columnsOf, renderTable } from '../../render/table.ts';
import { examples, type Invocation, type Shell } from '../../shell.ts';
import { addWaitOptions, followRollout, noteRollout, rolloutData, type WaitOption } from '../resources/rollout.ts';

interface QuarantineOptions {
  readonly reason?: string;
  readonly lift?: boolean;
  readonly list?: boolean;
  readonly allowUnknown?: boolean;
  readonly wait?: WaitOption;
}

const KIND = 'Quarantine';
const HASH_DIGITS = 10;

export function defineQuarantine(parent: Command, shell: Shell): void {
  const command = parent
    .command('quarantine')
    .description(
      'cut a workload off in both directions, at once: nobody reaches it, and it reaches nobody, until --lift',
    )
    .argument('[who]', 'its identity: namespace/service-account, or a SPIFFE ID')
    .option('--reason <text>', 'why; it is in the record of everything that is refused')
    .option('--allow-unknown', 'also an identity of which there was never a certificate')
    .option('--lift', 'let it back in')
    .option('--list', 'who is in quarantine, since when and why');
  addWaitOptions(command)
    .addHelpText(
      'after',
      examples(
        ['rampart quarantine shop/orders-api --reason "host taken over"', 'cut it off'],
        ['rampart quarantine --list', 'who is cut off'],
        ['rampart quarantine shop/orders-api --lift', 'let it back in'],
      ),
    )
    .action((who: string | undefined, options: QuarantineOptions, command: Command) =>
      shell.run(command, (invocation) => act(who, options, invocation)),
    );
}

function act(who: string | undefined, options: QuarantineOptions, invocation: Invocation): Promise<number> {
  if (options.list === true) return list(invocation);
  if (who === undefined || who === '')
    throw new RampartError(
      'INVALID_ARGUMENT',
      'say whom to cut off: namespace/service-account or a SPIFFE ID (or --list)',
    );
  return options.lift === true ? lift(who, options, invocation) : cutOff(who, options, invocation);
}

async function cutOff(who: string, options: QuarantineOptions, invocation: Invocation): Promise<number> {
  const { answer, identity } = await invocation.withAdmin(async (client) => {
    const { identity, rootNamespace } = await identify(who, client);
    const before = await client.getResources({ kind: KIND, namespace: rootNamespace, name: nameOf(identity) });
    if (options.allowUnknown !== true && before.resources.length === 0) await requireHolder(identity, client);
    // Who says it again and gives no reason takes none back.
    const reason = options.reason ?? before.resources.flatMap(entriesOf).find((entry) => entry.reason !== '')?.reason;
    const document = JSON.stringify({
      apiVersion: 'rampart.dev/v1',
      kind: KIND,
      metadata: { name: nameOf(identity), namespace: rootNamespace },
      spec: { identities: [identity], ...(reason === undefined ? {} : { reason }) },
    });
    return { identity, answer: await client.apply({ document, file: 'quarantine' }) };
  });
  if (answer.problems.length > 0) return reportRefusal(answer.problems, invocation);
  const outcome = answer.revision === 0n ? 'is in quarantine already' : 'is in quarantine';
  return told({ identity, outcome, revision: answer.revision, wait: options.wait }, invocation);
}

async function lift(who: string, { wait }: QuarantineOptions, invocation: Invocation): Promise<number> {
  const { identity, deleted, revision } = await invocation.withAdmin(async (client) => {
    const { identity, rootNamespace } = await identify(who, client);
    const answer = await client.deleteResource({ kind: KIND, namespace: rootNamespace, name: nameOf(identity) });
    return { identity, ...answer };
  });
  if (!deleted)
    throw new RampartError(
      'NOT_FOUND',
      `no Quarantine that this command made is about ${identity}; "rampart quarantine --list" shows who is cut off, by which resource`,
    );
  return told({ identity, outcome: 'is let back in', revision, wait }, invocation);
}

async function list(invocation: Invocation): Promise<number> {
  const { resources } = await invocation.withAdmin((client) => client.getResources({ kind: KIND }));
  const entries = resources.flatMap(entriesOf);
  const now = invocation.io.clock.now();
  invocation.show({
    data: () => entries.map(({ createdAt, ...entry }) => ({ ...entry, since: new Date(createdAt).toISOString() })),
    table: () =>
      renderTable(
        columnsOf('IDENTITY', 'RESOURCE', 'SINCE', 'REASON'),
        entries.map(({ identity, resource, createdAt, reason }) => [
          identity,
          resource,
          renderSpan(now - createdAt),
          reason,
        ]),
      ),
  });
  if (entries.length === 0) invocation.note('nobody is in quarantine');
  return EXIT.ok;
}

function entriesOf({ json, createdAt }: StoredResource): {
  readonly identity: string;
  readonly resource: string;
  readonly reason: string;
  readonly createdAt: number;
}[] {
  const parsed = parseResource(JSON.parse(json));
  if (!parsed.ok) return [];
  const { metadata, spec } = parsed.value as Quarantine;
  const resource = `${metadata.namespace}/${metadata.name}`;
  return spec.identities.map((identity) => ({
    identity,
    resource,
    reason: spec.reason ?? '',
    createdAt: Number(createdAt),
  }));
}

interface Told {
  readonly identity: string;
  readonly outcome: string;
  /** 0 where nothing changed. */
  readonly revision: bigint;
  readonly wait: WaitOption | undefined;
}

async function told({ identity, outcome, revision, wait }: Told, invocation: Invocation): Promise<number> {
  if (invocation.globals.output === 'table') invocation.io.stdout.write(`${identity} ${outcome}\n`);
  const rollout = revision === 0n ? undefined : await followRollout(revision, wait, invocation);
  if (invocation.globals.output !== 'table')
    invocation.show({
      data: () => ({ identity, outcome, ...(rollout === undefined ? {} : rolloutData(rollout)) }),
      table: () => '',
    });
  if (rollout !== undefined) noteRollout(rollout, invocation);
  return rollout?.isDone === false ? EXIT.no : EXIT.ok;
}

/** A name that is misspelt would cut off nobody. */
async function requireHolder(identity: string, client: AdminClient): Promise<void> {
  const { certificates } = await client.listCertificates({ spiffeId: identity, limit: 1 });
  if (certificates.length > 0) return;
  throw new RampartError(
    'NOT_FOUND',
    `nobody was ever given a certificate of ${identity}: correct the name, or add --allow-unknown to cut it off before it comes`,
  );
}

async function identify(
  who: string,
  client: AdminClient,
): Promise<{ readonly identity: string; readonly rootNamespace: string }> {
  const { trustDomain, rootNamespace } = await client.getStatus({});
  const identity = who.startsWith('spiffe://') ? who : parseIdentity(who, trustDomain);
  if (identity === '')
    throw new RampartError(
      'INVALID_ARGUMENT',
      `${JSON.stringify(who)} stands for callers without identity, which nothing can cut off by name: PeerAuthentication with mode STRICT refuses them`,
    );
  return { identity, rootNamespace };
}

/** The same for the same identity, and a name whatever it is made of. */
function nameOf(identity: string): string {
  const last =
    identity
      .split('/')
      .at(-1)
      ?.toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .slice(0, 40) ?? '';
  const digest = createHash('sha256').update(identity).digest('hex').slice(0, HASH_DIGITS);
  return `${last.replaceAll(/^-|-$/g, '') || 'identity'}-${digest}`;
}
