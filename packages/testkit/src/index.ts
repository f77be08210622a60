export { forge } from './forged-certificates.ts';
export type { Forgery, ForgeryOptions } from './forged-certificates.ts';
export { TestCa } from './test-ca.ts';
export type { TestSvid, TestSvidOptions } from './test-ca.ts';
export { settled, until } from './until.ts';
