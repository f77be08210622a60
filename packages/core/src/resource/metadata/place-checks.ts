import type { Cursor } from '../cursor.ts';
import { SpiffeId } from '../../identity/spiffe-id.ts';
import type { Resource } from '../resource.ts';

const OWN_NAME = 'kubernetes.io/metadata.name';

/** What can only be said of a resource when it is known where it stands. */
export function checkPlace(resource: Resource, at: Cursor, rootNamespace: string | undefined): void {
  const { name, namespace, labels } = resource.metadata;
  if (resource.kind === 'PeerAuthentication' && namespace === rootNamespace) {
    if (Object.keys(resource.spec.selector?.matchLabels ?? {}).length > 0) {
      const why = `is ignored: in the root namespace, ${namespace}, a PeerAuthentication counts only without selector`;
      at.child('spec').child('selector').warning(`${why}; move it to the namespace of its workloads`);
    }
  }
  if (resource.kind === 'RegistrationEntry' && rootNamespace !== undefined && namespace !== rootNamespace) {
    checkOwnIdentity(SpiffeId.of(resource.spec.spiffeId), at, { namespace, rootNamespace });
    if (resource.spec.admin === true) {
      at.child('spec')
        .child('admin')
        .error(`is for the whole mesh: put this entry into metadata.namespace ${rootNamespace}`);
    }
  }
  if (resource.kind === 'Namespace' && Object.hasOwn(labels, OWN_NAME) && labels[OWN_NAME] !== name) {
    at.child('metadata')
      .child('labels')
      .child(OWN_NAME)
      .error(`must be the namespace's own name, ${JSON.stringify(name)}`);
  }
}

/** Whoever may write in a namespace can give out its identities, and no others. */
function checkOwnIdentity(
  id: SpiffeId,
  at: Cursor,
  { namespace, rootNamespace }: { readonly namespace: string; readonly rootNamespace: string },
): void {
  if (id.namespace === namespace) return;
  const where = id.namespace === undefined ? rootNamespace : `${id.namespace} or ${rootNamespace}`;
  at.child('spec')
    .child('spiffeId')
    .error(`is no identity of namespace ${namespace}: put this entry into metadata.namespace ${where}`);
}
