/** ALPN of bytes that are no HTTP. */
export const TCP_ALPN = 'rampart-tcp/1';
