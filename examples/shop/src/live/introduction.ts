import { relative } from 'node:path';
import { OPENING_POLICY, EXAMPLE } from '../mesh/folders.ts';
import { describeAbsence } from '../mesh/foreign-services.ts';
import type { Shop } from '../mesh/shop.ts';
import { sightsOf } from '../traffic/users.ts';
import type { World } from '../world.ts';

/** What was started and where, and what to try next. */
export function introduce(shop: Shop, world: World): string {
  return [...started(shop, world), '', ...suggestions(shop, world), ''].join('\n');
}

function started(shop: Shop, world: World): string[] {
  const { addresses, trustDomain } = shop.controlPlane;
  const rows = [
    ['control plane', addresses.api, `trust domain ${trustDomain}, pid ${world.pid}`],
    ['metrics', addresses.metrics, ''],
    ...shop.services.map(({ workload, port, spiffeId, child }) => [
      workload.name,
      `127.0.0.1:${port}`,
      `${spiffeId}  (${workload.builtWith}; pid ${child.pid ?? '?'})`,
    ]),
    ['policies', String(shop.policies), fromHere(`${EXAMPLE}policies`, world)],
    ['data', fromHere(shop.controlPlane.dataDirectory, world), ''],
  ];
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  );
  return ['The shop is open:', '', ...lines, ...shop.absent.map((service) => `  ${describeAbsence(service)}`)];
}

function suggestions(shop: Shop, world: World): string[] {
  const rampart = commandFor(shop, world);
  const orders = shop.services.find(({ workload }) => workload.name === 'orders-api');
  const check = 'authz check --from production/frontend --to orders-api.default --method GET --path /api/orders/1';
  const { pictures, deliveries } = sightsOf(shop.services);
  const lines = [
    ...(pictures ? [[`curl ${shop.frontend}/images/lamp.svg`, 'a picture, from nginx behind its sidecar']] : []),
    ...(deliveries
      ? [[`curl '${shop.frontend}/orders/1/delivery?user=ada'`, 'a delivery, from Python behind its sidecar']]
      : []),
    [`curl ${shop.frontend}/orders/1/status`, "the frontend's shortcut to orders-api: RBAC: access denied"],
    [`${rampart} ${check}`, 'why'],
    [`${rampart} apply -f ${fromHere(OPENING_POLICY, world)}`, 'open it, and send the first line again'],
    [`${rampart} delete -f ${fromHere(OPENING_POLICY, world)}`, 'close it again'],
    [`curl http://127.0.0.1:${orders?.port ?? 0}/api/orders/1`, 'plaintext straight to orders-api: closed'],
    [
      `${rampart} run --namespace web --service-account batch -- node ${fromHere(EXAMPLE, world)}/src/intruder/insider.ts`,
      'a valid identity that may not',
    ],
    [`${rampart} get acl`, 'who can register and discover what'],
    [`${rampart} registry show payment-service.prod`, 'where payments are made, signed by the registry'],
    [`${rampart} audit query --type REGISTRATION_DENIED`, 'who wanted to be found there and was not let in'],
    [`${rampart} top`, 'how it goes, service by service: the instance of notifications-api that fails is ejected'],
    [`${rampart} describe service notifications-api`, 'all about one of them'],
    [`${rampart} tls-check`, 'mutual TLS, service by service'],
    [`${rampart} certs list`, 'every certificate issued'],
    [`${rampart} logs -f`, 'the lines below, from anywhere'],
  ];
  return [
    'Try, in a second terminal:',
    '',
    ...lines.flatMap(([command, purpose]) => [`  # ${purpose ?? ''}`, `  ${command ?? ''}`]),
    '',
    'Ctrl-C stops everything.',
  ];
}

/** The `rampart` command, as a person in the folder of the demo would write it. */
export function commandFor(shop: Shop, world: World): string {
  const data = dataOf(shop, world);
  return data === '.rampart' ? 'npx rampart' : `npx rampart --data ${data}`;
}

export function dataOf(shop: Shop, world: World): string {
  return fromHere(shop.controlPlane.dataDirectory, world);
}

export function fromHere(path: string, world: World): string {
  const way = relative(world.directory, path);
  return way === '' || way.startsWith('..') ? path.replace(/\/$/, '') : way;
}
