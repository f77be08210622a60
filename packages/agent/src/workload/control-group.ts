/** What a control group says of the process in it. */
export interface ControlGroupFacts {
  /** Unit of the system's own systemd ("web.service"). */
  readonly unit?: string;
  /** 64 hex digits that container runtimes name a container by. */
  readonly containerId?: string;
}

/** docker-ID.scope, cri-containerd-ID.scope, libpod-ID.scope, crio-ID, or the bare ID. */
const CONTAINER = /^(?:[a-z][a-z-]*-)?(?<id>[0-9a-f]{64})(?:\.scope)?$/;
const UNIT = /^[\w:.\\@-]+\.service$/;
/** Below it users arrange groups as they like, and could give them any name. */
const OF_USERS = 'user.slice';

/**
 * Reads a control group's path (cgroups(7)). Only the first unit and the first container on it count: those were made by
 * systemd and the runtime, while what lies below was delegated to the service itself.
 */
export function controlGroupFacts(path: string): ControlGroupFacts {
  const parts = path.split('/').filter((part) => part !== '');
  if (parts.includes(OF_USERS) || parts.includes('..')) return {};
  const unit = parts.find((part) => UNIT.test(part));
  const containerId = parts.map((part) => CONTAINER.exec(part)?.groups?.['id']).find((id) => id !== undefined);
  return { ...(unit === undefined ? {} : { unit }), ...(containerId === undefined ? {} : { containerId }) };
}
