// The other module system's view of the same clients.
const http = require('http');
const { request, get } = require('node:http');
const undici = require('undici');

const read = (response, resolve) => {
  let body = '';
  response.on('data', (chunk) => (body += chunk));
  response.on('end', () => resolve({ status: response.statusCode, body }));
};
const promised = (start) => new Promise((resolve, reject) => start(resolve).on('error', reject));

exports.clients = {
  'required http.get': (url) => promised((resolve) => http.get(url, (response) => read(response, resolve))),
  'destructured request': (url) => promised((resolve) => request(url, (response) => read(response, resolve)).end()),
  'destructured get': (url) => promised((resolve) => get(new URL(url), (response) => read(response, resolve))),
  'required undici': async (url) => {
    const { statusCode, body } = await undici.request(url);
    return { status: statusCode, body: await body.text() };
  },
};
