import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RampartError } from '@rampart/core';
import { runRampart } from '../mesh/command.ts';
import type { CommandRun } from '../mesh/command.ts';
import type { Shop } from '../mesh/shop.ts';
import type { MiddleLine, PoisonerTask, Registration } from './attempt.ts';

const POISONER = fileURLToPath(new URL('poisoner.ts', import.meta.url));
const MIDDLE = fileURLToPath(new URL('man-in-the-middle.ts', import.meta.url));
const TOKEN_SECONDS = 300;

/** What came of the poisoner's attempts. */
export interface PoisonReport {
  readonly registrations: readonly Registration[];
  readonly spoof: Spoof;
}

/** A question to the registry that went through the man in the middle. */
export interface Spoof {
  /** What it changed; undefined when it changed nothing. */
  readonly changed: { readonly was: string; readonly is: string } | undefined;
  /** The words after `rampart` that asked. */
  readonly asked: readonly string[];
  /** How the client took it. */
  readonly client: CommandRun;
}

/** Why a client of the registry did not believe an answer; undefined when it was not for that. */
export function refusalBy({ words }: CommandRun): string | undefined {
  return /error: the answer of \S+ is not believed: ([A-Z_]+)/.exec(words)?.[1];
}

/** Who wants to be found in place of payment-service. The man in the middle stays until the shop closes. */
export class Poisoner {
  readonly #shop: Shop;
  #middle: Promise<{ readonly address: string; readonly caFile: string }> | undefined;
  #changed: Spoof['changed'];

  constructor(shop: Shop) {
    this.#shop = shop;
  }

  /** Tries everything once. */
  async poison(): Promise<PoisonReport> {
    const [registrations, spoof] = await Promise.all([this.#register(), this.#spoof()]);
    return { registrations, spoof };
  }

  async #register(): Promise<readonly Registration[]> {
    const { address: registry, caFile } = this.#shop.door;
    const registrations: Registration[] = [];
    const child = this.#shop.staff.run('poisoner', {
      file: POISONER,
      onLine: (line) => registrations.push(JSON.parse(line) as Registration),
    });
    const stolen: PoisonerTask['stolen'] = {
      'token of another service': await this.#token('notifications-api'),
      'token of the ops team': await this.#token('deployer', 'ops'),
      'foreign network': await this.#token('payment-service'),
    };
    child.tell(JSON.stringify({ registry, caFile, stolen } satisfies PoisonerTask));
    await child.exited;
    return registrations;
  }

  async #spoof(): Promise<Spoof> {
    this.#middle ??= this.#openMiddle();
    const { address, caFile } = await this.#middle;
    const tokenFile = join(this.#folder, 'orders-api.token');
    await writeFile(tokenFile, await this.#token('orders-api'), { mode: 0o600 });
    this.#changed = undefined;
    const way = ['--address', address, '--ca', caFile, '--token-file', tokenFile];
    const asked = [...way, 'registry', 'show', 'payment-service.prod'];
    const client = await runRampart(this.#shop, asked, { mayFail: true });
    return { changed: this.#changed, asked, client };
  }

  get #folder(): string {
    return join(this.#shop.controlPlane.dataDirectory, 'poisoner');
  }

  async #openMiddle(): Promise<{ readonly address: string; readonly caFile: string }> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const { staff, door } = this.#shop;
    const opened = Promise.withResolvers<Extract<MiddleLine, { kind: 'open' }>>();
    const child = staff.run('man-in-the-middle', {
      file: MIDDLE,
      onLine: (line) => {
        const said = JSON.parse(line) as MiddleLine;
        if (said.kind === 'open') opened.resolve(said);
        else this.#changed = said;
      },
    });
    void child.exited.then(() => {
      this.#middle = undefined;
      opened.reject(new RampartError('INTERNAL', `the man in the middle ended: ${child.lastWords.join(' ')}`));
    });
    child.tell(JSON.stringify({ registry: door.address, caFile: door.caFile }));
    const { address, ca } = await opened.promise;
    const caFile = join(this.#folder, 'proxy.pem');
    await writeFile(caFile, ca);
    return { address, caFile };
  }

  /** As an operator makes one for a service; who it is stolen from has it for a reason. */
  async #token(name: string, ...teams: string[]): Promise<string> {
    const made = await this.#shop.tokens.createApiToken({ name, role: 'service', teams, ttlSeconds: TOKEN_SECONDS });
    return made.token;
  }
}
