import { FakeClock } from '@rampart/testkit/fake-clock';
export const x: FakeClock = new FakeClock();
