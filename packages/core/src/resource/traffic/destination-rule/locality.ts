import type { Cursor, Reader } from '../../cursor.ts';
import { absent, listOf, mapOf, need, oneOf } from '../document-form.ts';

/** Which places are preferred (istio/api `LocalityLoadBalancerSetting`); at most one of the two ways. */
export interface LocalitySettings {
  /** By caller's place, the share of each place, in percent. */
  readonly distribute?: readonly LocalityShare[];
  /** By the caller's region, the region to use when nothing nearer is healthy. */
  readonly failover?: readonly LocalityFailover[];
  /** Absent: true. */
  readonly enabled?: boolean;
}

export interface LocalityShare {
  /** "region", "region/zone" or "region/zone/subzone", whose last part may be "*". */
  readonly from: string;
  readonly to: Readonly<Record<string, number>>;
}

export interface LocalityFailover {
  readonly from: string;
  readonly to: string;
}

interface Refused {
  readonly failoverPriority: never;
}

const ALL = 100;
const MOST = 1000;
const PLACE = /^[A-Za-z0-9][A-Za-z0-9_.-]*(?:\/[A-Za-z0-9][A-Za-z0-9_.-]*){0,2}(?:\/\*)?$/;
const MOST_PARTS = 3;

/** What is wrong with a place: "region/zone/subzone", whose end may be left out or be "*". */
export function placeProblem(text: string): string | undefined {
  if (text === '*' || (PLACE.test(text) && text.split('/').length <= MOST_PARTS)) return undefined;
  return 'must be region, region/zone or region/zone/subzone, and may end in "/*"';
}

export function readLocality(at: Cursor): LocalitySettings | undefined {
  const fields = at.fields<LocalitySettings & Refused>({
    distribute: listOf(readShare, MOST, 'a list of shares'),
    failover: listOf(readFailover, MOST, 'a list of regions'),
    failoverPriority: absent('instances are near or far by region, zone and sub-zone here: use failover or distribute'),
    enabled: (flag) => flag.flag(),
  });
  oneOf(at, ['distribute', 'failover']);
  return fields;
}

const readPlace: Reader<string> = (at) => at.checked(placeProblem);

function readShare(at: Cursor): LocalityShare | undefined {
  const { from, to } =
    at.fields<LocalityShare>({
      from: readPlace,
      to: mapOf((share) => share.integer('a percentage', { min: 1, max: ALL }), placeProblem),
    }) ?? {};
  need(at, 'from', 'to');
  if (from === undefined || to === undefined) return undefined;
  const sum = Object.values(to).reduce((total, share) => total + share, 0);
  return sum === ALL ? { from, to } : at.child('to').error(`the shares must add up to 100, and add up to ${sum}`);
}

const readRegion: Reader<string> = (at) =>
  at.checked((text) => (text.includes('/') || text.includes('*') ? 'must be a region alone' : placeProblem(text)));

function readFailover(at: Cursor): LocalityFailover | undefined {
  const { from, to } = at.fields<LocalityFailover>({ from: readRegion, to: readRegion }) ?? {};
  need(at, 'from', 'to');
  if (from === undefined || to === undefined) return undefined;
  return from === to ? at.child('to').error('must be another region than from') : { from, to };
}
