import { createHash } from 'node:crypto';

/** No id that anybody may give has it, so nobody can take the id that another would get. */
const MARK = '~';
const OWNER_LETTERS = 16;

/**
 * The id under which an instance is kept when another owner has one of the id that it was given. So owners who may not know
 * of each other can use the same ids, and neither learns of the other by it.
 */
export function apartId(givenId: string, owner: string): string {
  return `${givenId}${MARK}${createHash('sha256').update(owner).digest('hex').slice(0, OWNER_LETTERS)}`;
}

export function isApart(instanceId: string): boolean {
  return instanceId.includes(MARK);
}

/** What the owner of an instance calls it. */
export function givenIdOf(instanceId: string): string {
  const at = instanceId.indexOf(MARK);
  return at === -1 ? instanceId : instanceId.slice(0, at);
}
