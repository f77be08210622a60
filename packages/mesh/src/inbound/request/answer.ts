import type { Verdict } from '@rampart/core';

import type { AuthenticationRefusal } from '../authenticate/refusal.ts';
import type { AuthorizerRefusal } from '../external/refusal.ts';
import { refusal } from '../refused.ts';

/** An answer that the mesh gives instead of the application. */
export interface Answer {
  readonly code: number;
  /** Names and values in turn, complete. */
  readonly headers: readonly string[];
  readonly body: string | Uint8Array;
  readonly verdict: Verdict;
}

interface TextAnswer {
  readonly code: number;
  readonly body: string;
  readonly verdict: Verdict;
  readonly headers?: readonly string[];
}

export function textAnswer({ code, body, verdict, headers = [] }: TextAnswer): Answer {
  const length = String(Buffer.byteLength(body));
  return { code, headers: [...headers, 'content-type', 'text/plain', 'content-length', length], body, verdict };
}

export function answerToToken({ status, body, challenge, policy, reason }: AuthenticationRefusal): Answer {
  const verdict: Verdict = { ...refusal(reason), policy };
  return textAnswer({ code: status, headers: ['www-authenticate', challenge], body, verdict });
}

/** What an external authorizer wants its caller to be told. */
export function answerOfAuthorizer({ status, headers, body, verdict }: AuthorizerRefusal): Answer {
  return { code: status, headers: headers.flat(), body, verdict };
}
