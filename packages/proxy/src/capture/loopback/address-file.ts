import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Larger files are none of ours. */
const MOST_BYTES = 1024 * 1024;

/** Keeps an address book on disk, so that names have the addresses of before when the sidecar comes back. */
export class AddressFile {
  readonly #path: string;
  #writing: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /** Nothing where there is no file, or one that cannot be understood: addresses are found again without it. */
  async read(): Promise<readonly (readonly [name: string, address: string])[]> {
    try {
      const text = await readFile(this.#path, 'utf8');
      const json: unknown = text.length > MOST_BYTES ? undefined : JSON.parse(text);
      const pairs = typeof json === 'object' && json !== null ? Object.entries(json) : [];
      return pairs.filter((pair): pair is [string, string] => typeof pair[1] === 'string');
    } catch {
      return [];
    }
  }

  /** Replaces the file as a whole. Resolves when it is there; rejects with the system's error. */
  write(entries: ReadonlyMap<string, string>): Promise<void> {
    const text = `${JSON.stringify(Object.fromEntries(entries), undefined, 2)}\n`;
    this.#writing = this.#writing.catch(() => {}).then(() => this.#replace(text));
    return this.#writing;
  }

  async #replace(text: string): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true });
    const next = `${this.#path}.next`;
    await writeFile(next, text, { mode: 0o600 });
    await rename(next, this.#path);
  }
}
