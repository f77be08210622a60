// Loaded before a service: https://auth.example.com, a name that exists on paper only, is reached at TEST_ISSUER.
import http from 'node:http';
import https from 'node:https';

const { get } = https;
https.get = (url, ...rest) =>
  url instanceof URL && url.hostname === 'auth.example.com'
    ? http.get(new URL(url.pathname, process.env.TEST_ISSUER), ...rest)
    : get(url, ...rest);
