import { readFile } from 'node:fs/promises';

/** Names of users and groups of this host, from passwd(5) and group(5). */
export class Accounts {
  readonly #passwd: string;
  readonly #group: string;

  constructor(files: { readonly passwd?: string; readonly group?: string } = {}) {
    this.#passwd = files.passwd ?? '/etc/passwd';
    this.#group = files.group ?? '/etc/group';
  }

  /** Undefined for a user without an entry, such as one of a container. */
  user(uid: number): Promise<string | undefined> {
    return nameIn(this.#passwd, uid);
  }

  group(gid: number): Promise<string | undefined> {
    return nameIn(this.#group, gid);
  }
}

/** Both files have the name first and the number third; the first line with the number counts, as for getpwuid(3). */
async function nameIn(file: string, id: number): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const line = text.split('\n').find((each) => each.split(':')[2] === String(id));
  const name = line?.split(':')[0];
  return name === undefined || name === '' ? undefined : name;
}
