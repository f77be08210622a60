import { fileURLToPath } from 'node:url';

/** One workload of the shop: what runs, and who it is in the mesh. */
export interface ShopWorkload {
  readonly name: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Service it is an instance of; "" for a pure client. */
  readonly service: string;
  readonly labels: Readonly<Record<string, string>>;
  /** File that starts it. */
  readonly entry: string;
  /** What it is built with, for people. */
  readonly builtWith: string;
}

/** The services of the shop, in the order a user's order travels through them. */
export const SERVICES: readonly ShopWorkload[] = [
  service('frontend', 'production', {
    entry: new URL('../services/frontend.js', import.meta.url),
    builtWith: 'Express',
  }),
  service('api-server', 'production', {
    entry: new URL('../services/api-server.js', import.meta.url),
    builtWith: 'Fastify, undici',
  }),
  service('users-api', 'default', { entry: new URL('../services/users-api.js', import.meta.url), builtWith: 'Hono' }),
  service('orders-api', 'default', {
    entry: new URL('../services/orders-api.cjs', import.meta.url),
    builtWith: 'node:http, CommonJS',
  }),
  service('payment-service', 'prod', {
    entry: new URL('../services/payment-service.js', import.meta.url),
    builtWith: 'Koa',
  }),
  service('notifications-api', 'default', {
    entry: new URL('../services/notifications-api.js', import.meta.url),
    builtWith: 'Fastify, streams',
  }),
];

/** A workload with an identity as good as any other, whose owner means no good. */
export const BATCH: ShopWorkload = {
  name: 'batch',
  namespace: 'web',
  serviceAccount: 'batch',
  service: '',
  labels: { app: 'batch' },
  entry: fileURLToPath(new URL('intruder/insider.ts', import.meta.url)),
  builtWith: 'the intruder',
};

function service(
  name: string,
  namespace: string,
  program: { readonly entry: URL; readonly builtWith: string },
): ShopWorkload {
  const { entry, builtWith } = program;
  const identity = { name, namespace, serviceAccount: name, service: name, labels: { app: name } };
  return { ...identity, entry: fileURLToPath(entry), builtWith };
}
