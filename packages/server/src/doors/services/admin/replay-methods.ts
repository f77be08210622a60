import { RampartError } from '@rampart/core';
import { type AdminMethods, type AdminParts, operatorOf } from './admin-parts.ts';

/** What the requests on record say about policies. */
export function createReplayMethods(_parts: AdminParts): AdminMethods<'simulate' | 'suggest'> {
  return {
    // oxlint-disable-next-line require-yield -- the form of a streaming method
    async *simulate(_request, context) {
      operatorOf(context);
      throw new RampartError('INTERNAL', 'not there yet');
    },
    // oxlint-disable-next-line require-yield -- the form of a streaming method
    async *suggest(_request, context) {
      operatorOf(context);
      throw new RampartError('INTERNAL', 'not there yet');
    },
  };
}
