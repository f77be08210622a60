import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signatureV4 } from './signature-v4.ts';

test('the example of the documentation of AWS is signed as AWS signs it', () => {
  const request = {
    method: 'GET',
    url: 'https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08',
    headers: {
      'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
      host: 'iam.amazonaws.com',
      'x-amz-date': '20150830T123600Z',
    },
    body: '',
  };
  const scope = {
    secretKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
    date: '20150830',
    region: 'us-east-1',
    service: 'iam',
  };
  assert.equal(
    signatureV4(request, ['content-type', 'host', 'x-amz-date'], scope),
    '5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
  );
});
