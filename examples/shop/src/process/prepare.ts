// Part of installing: fills the compile cache, so that the first start is as fast as every other.
import { COMPILE_CACHE } from './compile-cache.ts';
import { warmOrchestrator, warmServices } from './warmth.ts';

// oxlint-disable-next-line no-restricted-properties -- an entry file hands the environment on
const warmth = { node: process.execPath, environment: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE } };
await Promise.all([warmOrchestrator(warmth), warmServices(warmth)]);
