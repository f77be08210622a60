import { fileURLToPath } from 'node:url';
import type { ForeignProgram } from './programs/foreign-program.ts';
import { nginxProgram } from './programs/nginx.ts';
import { pythonProgram } from './programs/python.ts';

/** One workload of the shop: who it is in the mesh. */
export interface ShopWorkload {
  readonly name: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Service it is an instance of; "" for a pure client. */
  readonly service: string;
  readonly labels: Readonly<Record<string, string>>;
  /** What it is built with, for people. */
  readonly builtWith: string;
}

/** A workload that has the mesh in its own process. */
export interface NodeWorkload extends ShopWorkload {
  /** File that starts it. */
  readonly entry: string;
}

/** A workload in any language, with a sidecar beside it. */
export interface SidecarWorkload extends ShopWorkload {
  readonly program: ForeignProgram;
}

const CATALOG_PORT = 8087;

/** The services that every shop has, in the order a user's order travels through them. */
export const NODE_SERVICES: readonly NodeWorkload[] = [
  inProcess('frontend', 'production', { file: 'frontend.js', builtWith: 'Express' }),
  inProcess('api-server', 'production', { file: 'api-server.js', builtWith: 'Fastify, undici' }),
  inProcess('users-api', 'default', { file: 'users-api.js', builtWith: 'Hono' }),
  versioned('v1', inProcess('orders-api', 'default', { file: 'orders-api.cjs', builtWith: 'node:http, CommonJS' })),
  inProcess('payment-service', 'prod', { file: 'payment-service.js', builtWith: 'Koa' }),
  inProcess('notifications-api', 'default', { file: 'notifications-api.js', builtWith: 'Fastify, streams' }),
];

/** The services that a shop has where the machine has their programs. */
export const SIDECAR_SERVICES: readonly SidecarWorkload[] = [
  {
    ...identity('delivery-api', 'default'),
    builtWith: 'Python, behind a sidecar',
    program: pythonProgram(new URL('../services/delivery-api.py', import.meta.url)),
  },
  {
    ...identity('catalog', 'production'),
    builtWith: 'nginx, behind a sidecar',
    program: nginxProgram(new URL('../services/catalog/', import.meta.url), CATALOG_PORT),
  },
];

/** A further instance of a service, which differs from the first. */
export interface SecondInstance extends NodeWorkload {
  readonly environment: Readonly<Record<string, string>>;
}

/** Numbers of orders that the new version of orders-api makes begin here. */
export const FIRST_ORDER_OF_CANARY = 900_001;

/** Instances that give the rules of traffic something to do. */
export const SECOND_INSTANCES: readonly SecondInstance[] = [
  second('notifications-api', 'slow', { SHOP_PAUSE_MS: '300' }),
  second('notifications-api', 'failing', { SHOP_BROKEN: '1' }),
  second('orders-api', 'v2', {
    SHOP_LAST_ORDER: String(FIRST_ORDER_OF_CANARY - 1),
    SHOP_STATISTICS_URL: 'http://statistics.example.net/orders',
  }),
];

/** A workload with an identity as good as any other, whose owner means no good. */
export const BATCH: NodeWorkload = {
  name: 'batch',
  namespace: 'web',
  serviceAccount: 'batch',
  service: '',
  labels: { app: 'batch' },
  entry: fileURLToPath(new URL('intruder/insider.ts', import.meta.url)),
  builtWith: 'the intruder',
};

function second(name: string, version: string, environment: Readonly<Record<string, string>>): SecondInstance {
  const first = NODE_SERVICES.find((service) => service.name === name);
  if (first === undefined) throw new TypeError(`BUG: there is no service ${name}`);
  const labels = { ...first.labels, version };
  return { ...first, labels, builtWith: `${first.builtWith}; ${version}`, environment };
}

function versioned(version: string, workload: NodeWorkload): NodeWorkload {
  return { ...workload, labels: { ...workload.labels, version } };
}

function inProcess(
  name: string,
  namespace: string,
  { file, builtWith }: { readonly file: string; readonly builtWith: string },
): NodeWorkload {
  const entry = fileURLToPath(new URL(`../services/${file}`, import.meta.url));
  return { ...identity(name, namespace), entry, builtWith };
}

function identity(name: string, namespace: string): Omit<ShopWorkload, 'builtWith'> {
  return { name, namespace, serviceAccount: name, service: name, labels: { app: name } };
}
