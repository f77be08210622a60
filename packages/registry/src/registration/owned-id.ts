import { hash } from 'node:crypto';
import { BoundedCache } from '@rampart/core';

/** No id that anybody may give has it, so nobody can take the id that another would get. */
const MARK = '~';
const OWNER_LETTERS = 16;
const MOST_OWNERS = 10_000;
/** By owner: it is asked for several times with each registration. */
const endings = new BoundedCache<string, string>(MOST_OWNERS);

/**
 * The id under which an instance is kept when another owner has one of the id that it was given. So owners who may not know
 * of each other can use the same ids, and neither learns of the other by it.
 */
export function apartId(givenId: string, owner: string): string {
  return givenId + endingOf(owner);
}

function endingOf(owner: string): string {
  const known = endings.get(owner);
  if (known !== undefined) return known;
  const ending = MARK + hash('sha256', owner, 'hex').slice(0, OWNER_LETTERS);
  endings.set(owner, ending);
  return ending;
}

export function isApart(instanceId: string): boolean {
  return instanceId.includes(MARK);
}

/** What the owner of an instance calls it. */
export function givenIdOf(instanceId: string): string {
  const at = instanceId.indexOf(MARK);
  return at === -1 ? instanceId : instanceId.slice(0, at);
}
