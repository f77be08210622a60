import { RampartError } from '../errors.ts';
import { fail, ok, type Result } from '../result.ts';

const NAME = /^[a-z0-9._-]+$/;
const MAX_BYTES = 255;

/** The name of a trust domain, checked once (SPIFFE-ID §2.1): `[a-z0-9._-]`, 1 to 255 bytes, lower case only. */
export class TrustDomain {
  readonly #name: string;

  private constructor(name: string) {
    this.#name = name;
  }

  /** Reads a bare name such as "cluster.local"; the problem says what was wrong with it. */
  static parse(text: string): Result<TrustDomain, string> {
    if (text === '') return fail('a trust domain must not be empty');
    if (text.length > MAX_BYTES)
      return fail(`a trust domain must be at most ${MAX_BYTES} bytes long, this one has ${text.length}`);
    if (NAME.test(text)) return ok(new TrustDomain(text));
    if (NAME.test(text.toLowerCase())) return fail(`trust domain ${JSON.stringify(text)} must be lower case`);
    return fail(`trust domain ${JSON.stringify(text)} may only hold the characters a-z 0-9 . _ -`);
  }

  /** Like {@link TrustDomain.parse}, for text that must be right. Throws `INVALID_TRUST_DOMAIN`. */
  static of(text: string): TrustDomain {
    const parsed = TrustDomain.parse(text);
    if (!parsed.ok) throw new RampartError('INVALID_TRUST_DOMAIN', parsed.problem);
    return parsed.value;
  }

  get name(): string {
    return this.#name;
  }

  equals(other: TrustDomain): boolean {
    return this.#name === other.#name;
  }

  toString(): string {
    return this.#name;
  }

  toJSON(): string {
    return this.#name;
  }
}
