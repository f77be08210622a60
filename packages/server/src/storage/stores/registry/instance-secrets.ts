import { type KeyEncryptionKey, open, seal } from '@rampart/keyring';
import {
  type CheckSecrets,
  hasCheckSecrets,
  type Instance,
  joinCheckSecrets,
  type SensitiveKeys,
  splitCheckSecrets,
  type StoredInstance,
  withoutCheckSecrets,
} from '@rampart/registry';

type Texts = Readonly<Record<string, string>>;

/** An instance as it is kept: what is secret of it is sealed (base64), and not there otherwise. */
export interface KeptInstance extends StoredInstance {
  /** Of its metadata. */
  readonly sealed?: string;
  /** Of its checks. */
  readonly sealedChecks?: string;
}

/** Keeps what is secret of instances sealed: a data key for each value, wrapped by the key-encryption key. */
export class InstanceSecrets {
  readonly #kek: KeyEncryptionKey;
  readonly #sensitive: () => SensitiveKeys;

  /** `sensitive`: which keys of metadata are, now. */
  constructor(kek: KeyEncryptionKey, sensitive: () => SensitiveKeys) {
    this.#kek = kek;
    this.#sensitive = sensitive;
  }

  /** Whether some of it must not be kept as it is. */
  mustSeal({ metadata, checks }: Pick<Instance, 'metadata' | 'checks'>): boolean {
    return this.#sensitive().hasAny(metadata) || hasCheckSecrets(checks);
  }

  async seal({ instance, standing, checks: states }: StoredInstance): Promise<KeptInstance> {
    const { instanceId, metadata, checks } = instance;
    const { sensitive, open: others } = this.#sensitive().split(metadata);
    const { open: plain, secrets } = splitCheckSecrets(checks);
    const isAny = Object.keys(sensitive).length > 0;
    return {
      instance: { ...instance, metadata: others, checks: plain },
      standing,
      checks: states.map((state) => {
        const check = checks.find(({ checkId }) => checkId === state.checkId);
        return check === undefined ? state : { ...state, output: withoutCheckSecrets(state.output, check.kind) };
      }),
      ...(isAny ? { sealed: await this.#seal(sensitive, `instance metadata:${instanceId}`) } : {}),
      ...(hasCheckSecrets(checks) ? { sealedChecks: await this.#seal(secrets, `instance checks:${instanceId}`) } : {}),
    };
  }

  /** Throws KEY_UNREADABLE when it was sealed for another instance, or under another key-encryption key. */
  async open({ instance, standing, checks: states, sealed, sealedChecks }: KeptInstance): Promise<StoredInstance> {
    const { instanceId, metadata, checks } = instance;
    const sensitive = sealed === undefined ? {} : await this.#open(sealed, `instance metadata:${instanceId}`);
    const secrets = sealedChecks === undefined ? [] : await this.#open(sealedChecks, `instance checks:${instanceId}`);
    return {
      instance: {
        ...instance,
        metadata: { ...metadata, ...(sensitive as Texts) },
        checks: joinCheckSecrets(checks, secrets as readonly (CheckSecrets | null)[]),
      },
      standing,
      checks: states,
    };
  }

  async #seal(value: unknown, context: string): Promise<string> {
    const bytes = await seal(Buffer.from(JSON.stringify(value)), { kek: this.#kek, context });
    return Buffer.from(bytes).toString('base64');
  }

  async #open(sealed: string, context: string): Promise<unknown> {
    const bytes = await open(Buffer.from(sealed, 'base64'), { kek: this.#kek, context });
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  }
}
