/** One workload of the shop: what runs, and who it is in the mesh. */
export interface ShopWorkload {
  readonly name: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Service it is an instance of; "" for a pure client. */
  readonly service: string;
  readonly labels: Readonly<Record<string, string>>;
  /** File that starts it, relative to the example's folder. */
  readonly entry: string;
  /** What it is built with, for people. */
  readonly builtWith: string;
}

/** The services of the shop, in the order a user's order travels through them. */
export const SERVICES: readonly ShopWorkload[] = [
  service('frontend', 'production', { entry: 'services/frontend.js', builtWith: 'Express' }),
  service('api-server', 'production', { entry: 'services/api-server.js', builtWith: 'Fastify, undici' }),
  service('users-api', 'default', { entry: 'services/users-api.js', builtWith: 'Hono' }),
  service('orders-api', 'default', { entry: 'services/orders-api.cjs', builtWith: 'node:http, CommonJS' }),
  service('payment-service', 'prod', { entry: 'services/payment-service.js', builtWith: 'Koa' }),
  service('notifications-api', 'default', { entry: 'services/notifications-api.js', builtWith: 'Fastify, streams' }),
];

/** A workload with an identity as good as any other, whose owner means no good. */
export const BATCH: ShopWorkload = {
  name: 'batch',
  namespace: 'web',
  serviceAccount: 'batch',
  service: '',
  labels: { app: 'batch' },
  entry: 'src/intruder/insider.ts',
  builtWith: 'the intruder',
};

function service(
  name: string,
  namespace: string,
  program: { readonly entry: string; readonly builtWith: string },
): ShopWorkload {
  return { name, namespace, serviceAccount: name, service: name, labels: { app: name }, ...program };
}
