import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { withReadableStatus } from './grpc-status.ts';

const told = (text: string): string => withReadableStatus({ 'grpc-message': encodeURIComponent(text) })['grpc-message'];

describe('the message of a gRPC status', () => {
  it('is text that people can read, with escapes only where gRPC has them', () => {
    assert.equal(told('no identity: "a/b", 100% of ü\n'), 'no identity: "a/b", 100%25 of %C3%BC%0A');
  });

  it('means the same to every way of reading it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        assert.equal(decodeURIComponent(told(text)), text);
        assert.match(told(text), /^[ -~]*$/);
      }),
    );
    assert.equal(decodeURI(told('a: b/c?d=e&f, g; h@i #j+k $l 5%')), 'a: b/c?d=e&f, g; h@i #j+k $l 5%');
  });

  it('is left alone where it is none, or no escape', () => {
    assert.deepEqual(withReadableStatus({ 'grpc-status': '0' }), { 'grpc-status': '0' });
    assert.deepEqual(withReadableStatus({ 'grpc-message': '100% of it' }), { 'grpc-message': '100% of it' });
  });
});
