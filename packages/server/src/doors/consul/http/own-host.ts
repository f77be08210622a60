const LOOPBACK = /^(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(?::\d{1,5})?$/i;

/**
 * Whether a request to a port on loopback was meant for it. A page in a browser can have the name of its own site lead to loopback; what
 * it sends has that name in it.
 */
export function isMeantForLoopback(host: string | undefined): boolean {
  return host === undefined || LOOPBACK.test(host);
}
