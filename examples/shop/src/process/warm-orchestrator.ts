// Loads what `npm start` loads, so that it is in the compile cache, and ends.
await Promise.all([import('../live/live.ts'), import('../scenario/scenario.ts'), import('../run.ts')]);
