import { IncomingMessage, Server, ServerResponse } from 'node:http';
import https from 'node:https';

import { wrapMethod } from '../wrap-method.ts';
import { wasJudged } from './symbols.ts';

const invitation: unique symbol = Symbol('rampart.invitation');

/** An invitation is held back until the request was judged, and made once: callers send their body at each. */
type Inviting = ServerResponse & { [invitation]?: 'held' | 'made' };

/**
 * A caller that asks first (`Expect: 100-continue`, RFC 9110 §10.1.1) is invited by Node itself to send its body where the
 * application has no listener for such requests: before anybody hears of the request. That waits until it was judged.
 */
export function holdInvitations(): void {
  wrapMethod(ServerResponse.prototype, 'writeContinue', (invite, self, args) => {
    if (!(self instanceof ServerResponse)) return invite(self, args);
    const response: Inviting = self;
    if (response[invitation] === 'made') return undefined;
    const isHeld = isUnheard(response);
    response[invitation] = isHeld ? 'held' : 'made';
    return isHeld ? undefined : invite(response, args);
  });
}

/** Whether its caller still waits to be invited, and nobody but the mesh would do so. */
export function holdsInvitation(response: Inviting): boolean {
  return response[invitation] === 'held';
}

/** Invites a caller that waits for it. */
export function invite(response: Inviting): void {
  if (response[invitation] === 'held') response.writeContinue();
}

/** Node has made it, and goes on to tell its server. */
function isUnheard({ req: request }: ServerResponse): boolean {
  if (!(request instanceof IncomingMessage) || wasJudged(request)) return false;
  const server: unknown = Reflect.get(request.socket, 'server');
  return server instanceof Server || server instanceof https.Server;
}
