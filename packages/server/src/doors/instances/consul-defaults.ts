/** What Consul calls its datacenter when nobody says otherwise. */
export const DEFAULT_DATACENTER = 'dc1';

/** Whose services names and calls are about that name no namespace. */
export const DEFAULT_NAMESPACE = 'default';
