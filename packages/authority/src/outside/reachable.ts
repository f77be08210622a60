import { type LookupAddress, lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/**
 * Where nobody outside can be, whatever a stranger's redirect, discovery document or name server says: link-local addresses, behind
 * which clouds keep their metadata, those of no host, of many hosts, and reserved ones.
 */
const NOWHERE = new BlockList();
NOWHERE.addSubnet('0.0.0.0', 8, 'ipv4');
NOWHERE.addSubnet('169.254.0.0', 16, 'ipv4');
NOWHERE.addSubnet('224.0.0.0', 3, 'ipv4');
NOWHERE.addAddress('::', 'ipv6');
NOWHERE.addSubnet('fe80::', 10, 'ipv6');
NOWHERE.addSubnet('ff00::', 8, 'ipv6');
/** The metadata service of AWS. */
NOWHERE.addAddress('fd00:ec2::254', 'ipv6');

type Resolve = (
  host: string,
  options: { readonly all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** Why nobody outside is asked at the host of this URL; undefined when it is a name, or the address of somebody. */
export function addressProblem({ hostname }: URL): string | undefined {
  const host = hostname.replace(/^\[|\]$/g, '');
  return isIP(host) === 0 || !isNowhere(host) ? undefined : `${host} is no address to ask at`;
}

/**
 * The `lookup` of a connection to somebody outside. A name one of whose addresses leads nowhere is not reached at all: what is
 * judged here is what the connection goes to, so a name server that answers differently the second time gains nothing.
 */
export function outsideLookup(resolve: Resolve = lookup): LookupFunction {
  return (host, { all, ...options }, callback) => {
    resolve(host, { ...options, all: true }, (error, addresses) => {
      const nowhere = addresses?.find(({ address }) => isNowhere(address));
      const [first] = addresses ?? [];
      if (error !== null) callback(error, []);
      else if (nowhere !== undefined)
        callback(new Error(`${host} leads to ${nowhere.address}, no address to ask at`), []);
      else if (all === true || first === undefined) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function isNowhere(address: string): boolean {
  return NOWHERE.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}
