// Collects garbage whenever it is asked to (SIGUSR2), and notes what is left: what a process holds then is what it needs. A heap that
// is small and hardly used would otherwise grow for minutes before its collector looks at it.
import { renameSync, writeFileSync } from 'node:fs';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Spaces of objects that have lived for a while. What V8 compiles lies elsewhere, and grows for as long as functions become hot. */
const OF_OBJECTS = new Set(['old_space', 'large_object_space']);

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
const file = `${process.env.SOAK_HELD_DIRECTORY}/${process.pid}`;
process.on('SIGUSR2', () => {
  collect();
  const spaces = getHeapSpaceStatistics().filter((each) => OF_OBJECTS.has(each.space_name));
  const bytes = spaces.reduce((sum, each) => sum + each.space_used_size, 0);
  writeFileSync(`${file}.new`, String(bytes));
  renameSync(`${file}.new`, file);
});
