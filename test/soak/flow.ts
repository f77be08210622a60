/** What policy has to say about a flow; "door" is allowed while the door is open, and denied while it is closed. */
export type FlowRight = 'allowed' | 'denied' | 'door';

/** Requests that customers of one identity send to one service, again and again. */
export interface Flow {
  /** "shopper → orders" */
  readonly name: string;
  /** Service that is called. */
  readonly service: string;
  readonly right: FlowRight;
  /** Of an HTTP service. */
  readonly url?: string;
  /** Of a service that speaks no HTTP. */
  readonly host?: string;
  readonly port?: number;
  /** Port of the sidecar's HTTP proxy; without one the caller has the mesh in its process. */
  readonly proxy?: number;
  readonly customers: number;
  /** Milliseconds between an answer and the next request, on average. */
  readonly pauseMs: number;
}

/** What came of one request; times in Unix milliseconds. */
export interface Outcome {
  readonly flow: Flow;
  /** Until when its caller knew what went on as it began: on a busy machine, a while before. */
  readonly began: number;
  readonly ended: number;
  /** "passed", "denied", "closed" where a connection ended before a word was said, or what went wrong. */
  readonly code: string;
}

/** How many requests of a kind there are, and at which pace. */
interface Pace {
  readonly customers: number;
  readonly pauseMs: number;
}

const BUSY: Pace = { customers: 6, pauseMs: 100 };
const TALKING: Pace = { customers: 3, pauseMs: 200 };
const CURIOUS: Pace = { customers: 2, pauseMs: 300 };

/** Everything that one caller calls. */
export function flowsOf(
  caller: { readonly name: string; readonly right: FlowRight; readonly proxy?: number },
  mailPort: number,
): Flow[] {
  const { name, right } = caller;
  const way = caller.proxy === undefined ? {} : { proxy: caller.proxy };
  const pace = right === 'allowed' ? BUSY : CURIOUS;
  const talk = right === 'allowed' ? TALKING : CURIOUS;
  return [
    ...['stock', 'orders'].map((service) => ({
      ...{ name: `${name} → ${service}`, service, right, url: `http://${service}`, ...way, ...pace },
    })),
    { name: `${name} → mail`, service: 'mail', right, host: 'mail', port: mailPort, ...way, ...talk },
  ];
}
