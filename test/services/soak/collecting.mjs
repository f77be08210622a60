// Collects garbage whenever it is asked to (SIGUSR2): what a process holds then is what it needs. A heap that is small and hardly used
// would otherwise grow for minutes before its collector looks at it.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
process.on('SIGUSR2', () => collect());
