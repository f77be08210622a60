import { anything } from './broken.ts';

export const cycle = (): string => anything({ name: 'cycle' });
