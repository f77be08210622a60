import { used } from './used.ts';
import unlisted from 'never-listed';

export const entry = [used, unlisted];
