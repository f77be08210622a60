import type { ServiceKey } from '@rampart/registry';
import type { CompleteOptions } from '../control-plane-options.ts';
import { createCallerDesk } from '../doors/consul/caller-desk.ts';
import type { CallerDesk } from '../doors/consul/consul-caller.ts';
import { type Consul, type ConsulSource, openConsul } from '../doors/consul/open-consul.ts';
import { type Dns, openDns } from '../doors/dns/open-dns.ts';
import { KeyIndex } from '../doors/instances/key-index.ts';
import { nodeKeys } from '../doors/instances/node-name.ts';
import type { CallerLimits } from '../doors/limits/caller-limits.ts';
import type { FailureLimit } from '../doors/limits/failure-limit.ts';
import type { PeerVerifier } from '../doors/peer.ts';
import { RegistryCallers } from '../doors/services/registry/identity.ts';
import type { DoorCredentials } from '../doors/tls.ts';
import type { RegistryTokens } from '../registry/registry-tokens.ts';
import type { PolicyDesk } from '../resources/policy-desk.ts';
import { attestedWorkloads } from '../storage/stores/attested-workloads.ts';
import { VERSION } from '../version.ts';
import { LOOPBACK, type Start } from './start.ts';
import type { State } from './state.ts';

/** The doors that clients of other registries know. */
export interface RegistryDoors {
  /** "127.0.0.1:8600", "http://127.0.0.1:8500", "https://127.0.0.1:8501", where they are. */
  readonly addresses: { readonly dns?: string; readonly consul?: string; readonly consulTls?: string };
  /** Takes a certificate into use. */
  use(credentials: DoorCredentials): void;
  /** Answers from now on. */
  serve(state: State, guards: RegistryDoorGuards): void;
}

/** What this door has in common with that of the API. */
export interface RegistryDoorGuards {
  readonly verifier: PeerVerifier;
  readonly failures: FailureLimit;
  readonly limits: CallerLimits;
  readonly registryTokens: RegistryTokens;
  readonly desk: PolicyDesk;
}

/** Takes the ports that are asked for. @throws RampartError PORT_IN_USE, INVALID_ARGUMENT. */
export async function openRegistryDoors({ options, teardown, metrics }: Start): Promise<RegistryDoors> {
  const { host, clock, random, log } = options;
  const dns = options.dns === undefined ? undefined : await openDns({ ...options.dns, host, clock, random, metrics });
  teardown.add('DNS door', () => dns?.close());
  const shared = { host, clock, random, log, metrics, version: VERSION };
  const consul = options.consul === undefined ? undefined : await openConsul({ ...options.consul, ...shared });
  teardown.add('Consul door', () => consul?.close());
  return {
    addresses: addressesOf(host, dns, consul),
    use: (credentials) => consul?.use(credentials),
    serve: (state, guards) => {
      const { registry } = state;
      const nodes = new KeyIndex({ discovery: registry.discovery, keysOf: nodeKeys });
      teardown.add('nodes', () => nodes.close());
      dns?.serve({ discovery: registry.discovery, nodes, mayRead: (...asked) => mayAnybodyRead(state, ...asked) });
      consul?.serve({
        registry,
        nodes,
        callers: callersOf(state, guards, options),
        acl: { ...state, desk: guards.desk, rootNamespace: options.rootNamespace },
        ...readersOf(state),
      });
    },
  };
}

/** Names that nobody registered are no question to decide, and none to record one by one: there is no end of them. */
function mayAnybodyRead({ guard, registry }: State, { service, namespace }: ServiceKey, sourceIp: string): boolean {
  const source = { over: 'dns', sourceIp };
  if (registry.lookup({ name: service, namespace }) !== undefined)
    return guard.access.mayAnybodyRead({ service, namespace }, source);
  guard.access.recordUnknown(source);
  return true;
}

type Readers = Pick<ConsulSource, 'discoveryOf' | 'mayRead' | 'mayReadAll' | 'onRightsChange'>;

function readersOf({ guard, apiTokens }: State): Readers {
  return {
    discoveryOf: (caller, sourceIp) => guard.viewOf(caller, sourceIp),
    mayRead: (caller, { service, namespace }) => guard.access.wouldAllow(caller, 'read', { service, namespace }),
    mayReadAll: (caller, namespace) => guard.viewOf(caller, '').isComplete(namespace),
    onRightsChange: (tokenId, listener) => {
      const forgetRules = guard.policies.onChange(listener);
      const forgetToken = tokenId === undefined ? undefined : apiTokens.onEnded(tokenId, listener);
      return () => {
        forgetRules();
        forgetToken?.();
      };
    },
  };
}

function callersOf(state: State, guards: RegistryDoorGuards, { clock, log }: CompleteOptions): CallerDesk {
  const failed = (error: unknown): void => log.error({ error }, 'a refusal could not be recorded');
  const { entries, guard, journal, database } = state;
  return createCallerDesk({
    ...guards,
    holders: new RegistryCallers(attestedWorkloads(database), guards.limits),
    isAdministrator: (id) => entries.isAdministrator(id, clock.now()),
    allowsAnonymous: () => guard.policies.current().settings.anonymous ?? false,
    audit: (event) => void journal.audit(event).catch(failed),
  });
}

function addressesOf(host: string, dns: Dns | undefined, consul: Consul | undefined): RegistryDoors['addresses'] {
  return {
    ...(dns === undefined ? {} : { dns: `${hostPart(host)}:${dns.port}` }),
    ...(consul?.http === undefined ? {} : { consul: `http://${LOOPBACK}:${consul.http.port}` }),
    ...(consul?.https === undefined ? {} : { consulTls: `https://${hostPart(host)}:${consul.https.port}` }),
  };
}

function hostPart(host: string): string {
  if (host === '0.0.0.0' || host === '::') return LOOPBACK;
  return host.includes(':') ? `[${host}]` : host;
}
