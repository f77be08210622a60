import type { RegistryAcl } from '@rampart/core';
import { SpiffeId } from '@rampart/core';
import { createMemoryJournalStore, Journal } from '@rampart/journal';
import {
  AccessRecord,
  Approvals,
  createMemoryApprovalStore,
  createMemoryRegistryStore,
  openRegistry,
  RegistryAccess,
  type RegistryIdentity,
  RegistryPolicy,
  SecureAdmission,
} from '@rampart/registry';
import { accepted, refused, type SeedVerdict } from './verdict.ts';

const clock = { now: () => 1_700_000_000_000, after: () => ({ cancel: () => undefined }) };
/** Everybody may find what is in their own namespace: the least that a rule can say. */
const READ_ALL: RegistryAcl = {
  apiVersion: 'rampart.dev/v1',
  kind: 'RegistryAcl',
  metadata: { name: 'rules', namespace: 'istio-system', labels: {}, annotations: {} },
  spec: { rules: [{ servicePrefix: '', policy: 'read' }] },
};

interface Place {
  readonly service: string;
  readonly namespace: string;
}

/** A drawing of namespaces and of who can, and cannot, discover whom across them: ours decides each arrow alike. */
export function judgeIsolation(text: string): SeedVerdict {
  const places = placesIn(text);
  const policy = new RegistryPolicy([READ_ALL]);
  const arrows = [...text.matchAll(/^\s*(\w+) -\.?->\|"(Can|Cannot) discover"\| (\w+)$/gm)].map(
    ([, from = '', can, to = '']) => {
      const [source, target] = [places.get(from), places.get(to)];
      if (source === undefined || target === undefined) return { arrow: `${from} ${to}`, isSame: false };
      const caller = workload(source.service, source.namespace);
      const isSame = policy.decide(caller, 'read', target).allowed === (can === 'Can');
      return { arrow: `${nameOf(source)} ${can === 'Can' ? 'finds' : 'does not find'} ${nameOf(target)}`, isSame };
    },
  );
  const wrong = arrows.filter(({ isSame }) => !isSame);
  if (arrows.length === 0) return refused('no arrow says who can discover whom');
  return wrong.length === 0
    ? accepted(arrows.map(({ arrow }) => arrow).join('; '))
    : refused(`ours decides otherwise: ${wrong.map(({ arrow }) => arrow).join('; ')}`);
}

/** The attack as it is printed: what its attacker registers is refused, and what is discovered stays as in the normal flow. */
export async function judgePoisoning(text: string): Promise<SeedVerdict> {
  const [own, service = ''] = [...text.matchAll(/^\s*(\S+) → Registry: Register\(([\d.]+:\d+)\)/gm)].map(
    ([, name = '', address = '']) => [address, name] as const,
  )[0] ?? [''];
  const [, attacker = '', foreign = ''] = /^\s*(\S+) → Registry: Register\([\w-]+, ([\d.]+:\d+)\)/m.exec(text) ?? [];
  const journal = await Journal.open(createMemoryJournalStore(), clock);
  const policy = new RegistryPolicy([]);
  const record = new AccessRecord({ journal, clock, failed: () => undefined });
  const access = new RegistryAccess({ policy: () => policy, record });
  const approvals = await Approvals.open({ store: createMemoryApprovalStore(), journal, clock });
  const admission = new SecureAdmission({ access, approvals });
  const registry = await openRegistry({
    store: createMemoryRegistryStore(),
    journal,
    clock,
    random: () => 0.5,
    admission,
  });
  const register = async (who: string, address: string): Promise<boolean> => {
    const [host = '', port = ''] = address.split(':');
    const at = { host, port: Number(port), protocol: 'http', labels: {} };
    const request = { service, namespace: 'prod', instanceId: `${who}-1`, ...at };
    return (await registry.register(workload(who, 'prod'), request)).ok;
  };
  const isIn = await register(service, own);
  const isPoisoned = await register(attacker, foreign);
  const { instances } = registry.discovery.find({ service, namespace: 'prod' });
  const found = instances.map(({ host, port }) => `${host}:${port}`).join(', ');
  await registry.close();
  return isIn && !isPoisoned && found === own
    ? accepted(`the attacker's registration is refused; discovered: [${found}]`)
    : refused(`discovered: [${found}]`);
}

function placesIn(text: string): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  let namespace = '';
  for (const line of text.split('\n')) {
    namespace = /^\s*subgraph \w+\["Namespace: ([^"]+)"\]/.exec(line)?.[1] ?? namespace;
    const [, id, service] = /^\s*(\w+)\["([^"]+)"\]$/.exec(line) ?? [];
    if (id !== undefined && service !== undefined) places.set(id, { service, namespace });
  }
  return places;
}

function nameOf({ service, namespace }: Place): string {
  return `${service}.${namespace}`;
}

function workload(account: string, namespace: string): RegistryIdentity {
  return {
    kind: 'spiffe',
    id: SpiffeId.of(`spiffe://cluster/ns/${namespace}/sa/${account}`),
    service: account,
  };
}
