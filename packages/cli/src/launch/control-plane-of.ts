import { resolve } from 'node:path';
import { RampartError } from '@rampart/core';
import type { Invocation } from '../shell.ts';

/** The environment says it in the words of data planes; the command line goes first, client.json last. @throws RampartError INVALID_ARGUMENT */
export async function controlPlaneOf({
  io,
  globals,
  settings,
}: Invocation): Promise<{ address: string; caFile: string }> {
  const address = globals.address ?? io.env['RAMPART_CONTROL_PLANE'];
  const ca = globals.ca ?? io.env['RAMPART_CA_FILE'];
  if (address === undefined || ca === undefined) return settings();
  if (!URL.canParse(address) || new URL(address).protocol !== 'https:') {
    throw new RampartError('INVALID_ARGUMENT', 'the control plane is at an https URL such as https://127.0.0.1:8443');
  }
  return { address, caFile: resolve(io.workingDirectory, ca) };
}
