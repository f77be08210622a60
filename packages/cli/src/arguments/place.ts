import { InvalidArgumentError } from 'commander';

/** Where something runs. */
export interface Place {
  readonly region: string;
  readonly zone: string;
}

/** "eu", "eu/eu-1". */
export function parsePlace(text: string): Place {
  const [, region, zone = ''] = /^([^/]+)(?:\/([^/]+))?$/.exec(text) ?? [];
  if (region === undefined) throw new InvalidArgumentError('write a region, or region/zone, such as eu/eu-1.');
  return { region, zone };
}
