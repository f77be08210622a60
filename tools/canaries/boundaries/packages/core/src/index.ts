import { readFileSync } from 'node:fs';
export { helper } from '../../wire/src/index.ts';
export const later: () => Promise<unknown> = () => import('@canary/node');
export type FromWire = import('@canary/wire').Message;
export const text: string = readFileSync('x', 'utf8');
