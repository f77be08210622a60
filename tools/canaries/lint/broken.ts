import assert from 'node:assert';
import { cycle } from './cycle.ts';
import { Shape } from './shape.ts';

export function anything(value: any): string {
  return value!.name;
}

export async function floating(): Promise<void> {
  Promise.resolve(cycle);
  [1, 2].map(async (each) => each);
  if (Promise.resolve(true)) console.log('always');
  throw 'text';
}

export function missing(shape: Shape): string {
  switch (shape.kind) {
    case 'circle':
      return `${Date.now()} ${Math.random()} ${process.env['HOME']} ${performance.now()}`;
  }
  return '';
}

export function tooMany(a: number, b: number, c: number, d: number): boolean {
  try {
    assert(a == b);
  } catch {}
  return eval('c === d');
}

export default anything;
