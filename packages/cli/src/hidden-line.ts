import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import type { ReadStream, WriteStream } from 'node:tty';

/** Asks on `output` for one line and shows nothing of what is typed; "" where `input` is no terminal. */
export async function readHiddenLine(question: string, input: ReadStream, output: WriteStream): Promise<string> {
  if (!input.isTTY) return '';
  output.write(question);
  // A terminal of its own makes readline take single keys, and swallows what it would echo.
  const shown = new PassThrough();
  shown.resume();
  const lines = createInterface({ input, output: shown, terminal: true });
  try {
    return await new Promise((resolve) => {
      lines.once('line', resolve);
      // Ctrl-C and Ctrl-D: nobody wants to go on.
      lines.once('close', () => resolve(''));
    });
  } finally {
    lines.close();
    output.write('\n');
  }
}
