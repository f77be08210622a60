/** Lets others have a turn: reading batches and opening them never waits by itself. */
export function breath(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
