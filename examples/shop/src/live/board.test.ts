import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Board } from './board.ts';

function screen(isTerminal: boolean, columns = 80) {
  const written: string[] = [];
  return { written, isTerminal, columns: () => columns, write: (text: string) => void written.push(text) };
}

test('on a terminal the status stays below the lines and is replaced in place', () => {
  const terminal = screen(true);
  const board = new Board(terminal);
  board.status('1 request');
  board.line('GET /');
  board.status('2 requests');
  board.close();
  assert.deepEqual(terminal.written, [
    '\r\u001b[2K1 request',
    '\r\u001b[2KGET /\n1 request',
    '\r\u001b[2K2 requests',
    '\n',
  ]);
});

test('a status never wraps: what wraps cannot be taken back', () => {
  const terminal = screen(true, 6);
  new Board(terminal).status('1234567890');
  assert.deepEqual(terminal.written, ['\r\u001b[2K12345']);
});

test('in a file there are only lines', () => {
  const file = screen(false);
  const board = new Board(file);
  board.status('1 request');
  board.line('GET /');
  board.close();
  assert.deepEqual(file.written, ['GET /\n']);
});
