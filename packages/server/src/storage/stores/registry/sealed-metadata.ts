import type { SensitiveKeys } from '@rampart/registry';
import { type KeyEncryptionKey, open, seal } from '@rampart/keyring';

type Texts = Readonly<Record<string, string>>;

/** How metadata is kept: what is sensitive is one sealed value (base64). */
export interface KeptMetadata {
  readonly metadata: Texts;
  readonly sealed?: string;
}

/** Keeps the sensitive metadata of instances sealed: a data key for each instance, wrapped by the key-encryption key. */
export class SealedMetadata {
  readonly #kek: KeyEncryptionKey;
  readonly #sensitive: () => SensitiveKeys;

  /** `sensitive`: which keys are, now. */
  constructor(kek: KeyEncryptionKey, sensitive: () => SensitiveKeys) {
    this.#kek = kek;
    this.#sensitive = sensitive;
  }

  /** Whether some of it must not be kept as it is. */
  mustSeal(metadata: Texts): boolean {
    return this.#sensitive().hasAny(metadata);
  }

  async seal(instanceId: string, metadata: Texts): Promise<KeptMetadata> {
    const { sensitive, open: others } = this.#sensitive().split(metadata);
    const bytes = await seal(Buffer.from(JSON.stringify(sensitive)), this.#bound(instanceId));
    return { metadata: others, sealed: Buffer.from(bytes).toString('base64') };
  }

  /** Throws KEY_UNREADABLE when it was sealed for another instance, or under another key-encryption key. */
  async open(instanceId: string, { metadata, sealed }: KeptMetadata): Promise<Texts> {
    if (sealed === undefined) return metadata;
    const bytes = await open(Buffer.from(sealed, 'base64'), this.#bound(instanceId));
    return { ...metadata, ...(JSON.parse(Buffer.from(bytes).toString('utf8')) as Texts) };
  }

  #bound(instanceId: string): { readonly kek: KeyEncryptionKey; readonly context: string } {
    return { kek: this.#kek, context: `instance metadata:${instanceId}` };
  }
}
