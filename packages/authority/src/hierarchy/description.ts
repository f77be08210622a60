import type { Lifetimes } from '../issuance/lifetimes.ts';
import type { AuthorityDescription } from './control.ts';
import type { HeldAuthority } from './held-authority.ts';
import { rootRotationOf, rotationOf } from './rotation-rule.ts';

/** An authority as operators see it. */
export function describeAuthority(
  { record, signer }: HeldAuthority,
  around: { readonly root: HeldAuthority | undefined; readonly lifetimes: Lifetimes },
): AuthorityDescription {
  const { kind, serial, name, state, since, notBefore, notAfter, der } = record;
  const times = kind === 'root' ? rootRotationOf(record, around.lifetimes) : rotationOf(record);
  const isActive = state === 'active';
  return {
    kind,
    serial,
    name,
    state,
    since,
    notBefore,
    notAfter,
    der,
    root: around.root?.record.serial ?? '',
    canSign: signer !== undefined,
    prepareAt: isActive ? times.prepareAt : undefined,
    activateAt: isActive ? times.activateAt : undefined,
  };
}
