import type { OutgoingRequest, ResponseSink } from '../http1/client-connection.ts';
import type { Portion } from '../http1/message-reader.ts';

/** One request on its way to where it is answered: the same over HTTP/1.1 and over HTTP/2. */
export interface UpstreamCall {
  /** It goes over a connection that has carried requests before: the other side may have closed that meanwhile. */
  readonly wasUsed: boolean;
  /** Something of the answer has come. */
  readonly hasAnswered: boolean;
  /** Sends a request with what is there of its body. Says whether there is room for more. */
  send(request: OutgoingRequest, portion: Portion, sink: ResponseSink): boolean;
  /** Sends more of the request's body. Says whether there is room for more. */
  continue(portion: Portion): boolean;
  /** There is room again for the answer. */
  resume(): void;
  /** Nobody waits for the answer any more. */
  abandon(): void;
}

/** Where requests can be sent: the connections to one place. */
export interface Upstream {
  /** A way for one request, on a connection of its own where `fresh` is asked for. */
  take(fresh?: boolean): UpstreamCall;
}
