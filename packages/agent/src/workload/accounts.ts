import { readFile, stat } from 'node:fs/promises';

/** Names of users and groups of this host, from passwd(5) and group(5). */
export class Accounts {
  readonly #users: NameFile;
  readonly #groups: NameFile;

  constructor(files: { readonly passwd?: string; readonly group?: string } = {}) {
    this.#users = new NameFile(files.passwd ?? '/etc/passwd');
    this.#groups = new NameFile(files.group ?? '/etc/group');
  }

  /** Undefined for a user without an entry, such as one of a container. */
  async user(uid: number): Promise<string | undefined> {
    return (await this.#users.names()).get(String(uid));
  }

  /** By id; those without an entry are left out. A process may be in thousands of groups. */
  groups(): Promise<ReadonlyMap<string, string>> {
    return this.#groups.names();
  }
}

/** A file of one account a line, read again when it is another one. */
class NameFile {
  readonly #path: string;
  #read: { readonly mark: string; readonly names: Promise<ReadonlyMap<string, string>> } | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Names by id; none where the file cannot be read. */
  async names(): Promise<ReadonlyMap<string, string>> {
    try {
      const { ino, size, mtimeNs, ctimeNs } = await stat(this.#path, { bigint: true });
      const mark = [ino, size, mtimeNs, ctimeNs].join(':');
      if (this.#read?.mark !== mark) this.#read = { mark, names: readFile(this.#path, 'utf8').then(namesIn) };
      return await this.#read.names;
    } catch {
      this.#read = undefined;
      return new Map();
    }
  }
}

/** Both files have the name first and the id third; the first line with the id counts, as for getpwuid(3). */
function namesIn(text: string): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [name = '', , id = ''] = line.split(':');
    if (name !== '' && id !== '' && !names.has(id)) names.set(id, name);
  }
  return names;
}
