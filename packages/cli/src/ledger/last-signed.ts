import { type Client, Code, ConnectError } from '@connectrpc/connect';
import type { LedgerService } from '@rampart/wire';

/** A checkpoint, as the control plane gives it. */
export interface LastSigned {
  readonly note: string;
  /** Key that it is said to be signed with. */
  readonly verifierKey: string;
  /** When it was signed, Unix milliseconds. */
  readonly at: bigint;
  /** Why nothing newer is signed. */
  readonly refusal: string | undefined;
}

/** The checkpoint of all that is on record. Where that is not signed any more, the last one, and why. */
export async function lastSigned(client: Client<typeof LedgerService>): Promise<LastSigned> {
  try {
    return { ...(await client.getCheckpoint({ fresh: true })), refusal: undefined };
  } catch (error) {
    if (!(error instanceof ConnectError) || error.code !== Code.DataLoss) throw error;
    return { ...(await client.getCheckpoint({})), refusal: error.rawMessage };
  }
}
