export { forge } from './forged-certificates.ts';
export type { Forgery, ForgeryOptions } from './forged-certificates.ts';
export { TestCa } from './test-ca.ts';
export type { TestServerOptions, TestSvid, TestSvidOptions } from './test-ca.ts';
export { TransitServer } from './transit-server.ts';
export type { TransitMood } from './transit-server.ts';
export { settled, until } from './until.ts';
