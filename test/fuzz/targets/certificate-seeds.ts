const lines = (...parts: readonly string[]): string => parts.join('');

/** A root, a workload's leaf and a signing request of the mesh, and a certificate of the rest of the world; base64 of DER. */
export const CERTIFICATE_SEEDS: Readonly<Record<'root' | 'leaf' | 'request' | 'foreign', string>> = {
  root: lines(
    'MIIB0TCCAXegAwIBAgIQazUbSb3z06nDibsv/qJdSDAKBggqhkjOPQQDAjA3MRAwDgYDVQQKDAdSYW1wYXJ0MSMwIQYDVQQDDBp0',
    'ZXN0IHJvb3Qgb2YgY2x1c3Rlci5sb2NhbDAeFw0yNjExMjAwMDAwMDBaFw0yNjEyMDEwMDAwMDBaMDcxEDAOBgNVBAoMB1JhbXBh',
    'cnQxIzAhBgNVBAMMGnRlc3Qgcm9vdCBvZiBjbHVzdGVyLmxvY2FsMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE0mLEEfjA5rkE',
    'ISsyS6ZTYq5JPBBkVnk5sfIe7MRaAiMhxxruNbL5Uuef9z67neDAyvPwYdeu8vSB1ae5VkPptaNlMGMwDwYDVR0TAQH/BAUwAwEB',
    '/zAOBgNVHQ8BAf8EBAMCAQYwHQYDVR0OBBYEFCXDs5dSp4SdabP8aRaBKsJlvrJbMCEGA1UdEQQaMBiGFnNwaWZmZTovL2NsdXN0',
    'ZXIubG9jYWwwCgYIKoZIzj0EAwIDSAAwRQIgINvwgIO48DEubCJUCxb0GsVM8bloMX7QV3nq7kb0BH8CIQCNYN0Vna4Jo6L8wIrw',
    'jZCi5jkHO1p+gFniYbB/wnI3zw==',
  ),
  leaf: lines(
    'MIIB/zCCAaSgAwIBAgIQbnrVW5+8F3lEJk7NQ+yJ+TAKBggqhkjOPQQDAjA3MRAwDgYDVQQKDAdSYW1wYXJ0MSMwIQYDVQQDDBp0',
    'ZXN0IHJvb3Qgb2YgY2x1c3Rlci5sb2NhbDAeFw0yNjExMjAyMzU5NTBaFw0yNjExMjEwMTAwMDBaMBIxEDAOBgNVBAoMB1JhbXBh',
    'cnQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQxHQToHZO2YCEyGQhINpYsdQ4CBtpPnARlg2u505UFKmNYatdfmN3ZSxcndTHq',
    'YMw1dCbAFmc9QQTn77bpF3oCo4G2MIGzMAwGA1UdEwEB/wQCMAAwDgYDVR0PAQH/BAQDAgeAMB0GA1UdJQQWMBQGCCsGAQUFBwMB',
    'BggrBgEFBQcDAjAdBgNVHQ4EFgQUNUHBPKoDyyiWYdQEl4sSmfdf6dQwHwYDVR0jBBgwFoAUJcOzl1KnhJ1ps/xpFoEqwmW+slsw',
    'NAYDVR0RBC0wK4Ypc3BpZmZlOi8vY2x1c3Rlci5sb2NhbC9ucy93ZWIvc2EvZnJvbnRlbmQwCgYIKoZIzj0EAwIDSQAwRgIhAIrv',
    'lOn9F6R7rAE0+ugZOEtwx42R4flcfCiQIdz8OyIyAiEAsJqP6FhLwhokNjnwJPgFj6naj/X/JoY1hjixnmy38tY=',
  ),
  request: lines(
    'MIG6MGICAQAwADBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABLgRJ1ydpbl0s7J9qgmdC/qZZIN7jz/JY31FKxvUM7SGvmXQDIv9',
    'E6E1f4+de+juXICtxCgnaUOdrmsHCieWfpmgADAKBggqhkjOPQQDAgNIADBFAiEAgtZ6slP8ME5En1PIrbYLVgb2A+StSluxETNS',
    'm0kt2roCIHjd2Bu1OkKAiqLvAN7EtwXZjnc+ceZYRDWCTCQkYkoG',
  ),
  foreign: lines(
    'MIIDkDCCAnigAwIBAgIUIPCCmEs3u5a08yI6nyDne3RY1xwwDQYJKoZIhvcNAQELBQAwKDEUMBIGA1UEAwwLZXhhbXBsZS5jb20x',
    'EDAOBgNVBAoMB0V4YW1wbGUwHhcNMjYxMTIxMDQwODIzWhcNMzYxMTE4MDQwODIzWjAoMRQwEgYDVQQDDAtleGFtcGxlLmNvbTEQ',
    'MA4GA1UECgwHRXhhbXBsZTCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBANW0GIZcrDay/nhmcpzffVwHwmmtduQ+4n3j',
    '3HeYa05xf8xA4xGGCKZbV3fbeOk/p/PbwiNVPghC6fgNckazmiSDw2bMNqJIpF6cokps/Snoi2Jefv7TPRc43ZtyAopRWpKLCyrD',
    'n833Lxz1f6r8MfZz2TeTz1p9+ylpXr+eEglLjb6yaBDrI2vef1rCIBtQ1ggEmTWi82eXARJr29mCi/TIYcDHScLg56htWW46bEdq',
    'U3cxqjIWLSkV/aOCCbSxoXkrsRI75NpvEyEwMigjwiA/7umcJ2Gez1QmPDcEsYf6DjM42dMV8FXFAwioreeGnO3gyqk8xwx/fXlL',
    'ymDLjS0CAwEAAaOBsTCBrjAdBgNVHQ4EFgQURdvGS+FQuUMk4dUB5cxS2keMrfMwHwYDVR0jBBgwFoAURdvGS+FQuUMk4dUB5cxS',
    '2keMrfMwDwYDVR0TAQH/BAUwAwEB/zA+BgNVHREENzA1ggtleGFtcGxlLmNvbYYgc3BpZmZlOi8vY2x1c3Rlci5sb2NhbC9ucy9h',
    'L3NhL2KHBAoAAAEwGwYDVR0eBBQwEqAQMA6CDC5leGFtcGxlLmNvbTANBgkqhkiG9w0BAQsFAAOCAQEAjdMQTTADMOhe70Jxlx6m',
    'mxWQBAFYDSoz+KSid9VpiYkQhq3UTTbLxpps+lv40F0FaG9vr0/iY4Yb9CJLII/oSjlgetwtgcunmX8Oejmow/Vu4chNvKQTI9cY',
    'qZrioyji5gfBZM75wTYhGRhlWxi+p0nISUL60WLXezG96kg5NkUM609YnWawh3i4H8n9hjcvQ64rkIU+D802TTLLANUUMrTBkZ2E',
    'E2Gk6Ko9Kfy62CyPsDJY8ohadRhuxwBYtTAei20/ul2fVZE00uGRF7Rw4QzvSYR+lLXk9Nr2fa9eJP8vbyAoa8zf+gHLyT3vttUv',
    'aO2l2/LDuOzxg0r4VW7lZw==',
  ),
};

/** An authority that signs revocation lists, and two lists of its own; base64 of DER. */
export const CRL_SEEDS: Readonly<Record<'issuer' | 'two' | 'empty', string>> = {
  issuer: lines(
    'MIIB0DCCAXegAwIBAgIQbf//hePDS2JsesC/CNFVCjAKBggqhkjOPQQDAjA3MRAwDgYDVQQKDAdSYW1wYXJ0MSMwIQYDVQQDDBp0ZXN0',
    'IHJvb3Qgb2YgY2x1c3Rlci5sb2NhbDAeFw0yNjExMjAwMDAwMDBaFw0yNjEyMDEwMDAwMDBaMDcxEDAOBgNVBAoMB1JhbXBhcnQxIzAh',
    'BgNVBAMMGnRlc3Qgcm9vdCBvZiBjbHVzdGVyLmxvY2FsMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEul/eaI+GC6uaVvU72vmX68gL',
    'aPSqpf9cvR5bKoBPMmLax8q9A4j6YVrqf2lvd7XQykQ0FumoWaredlm5twjq6KNlMGMwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8E',
    'BAMCAQYwHQYDVR0OBBYEFO6peGIb7zg/YknYjjBuHaAMYAJ9MCEGA1UdEQQaMBiGFnNwaWZmZTovL2NsdXN0ZXIubG9jYWwwCgYIKoZI',
    'zj0EAwIDRwAwRAIgJ4ma9gYvRcSPxIrXwrJSP4E4P04GoSkmGy47I/ji/xwCIEx9R7aKCyeiYf+STe/LNxt3U/wqKmmO/jTd+t0JuHmy',
  ),
  two: lines(
    'MIIBKzCB0QIBATAKBggqhkjOPQQDAjA3MRAwDgYDVQQKDAdSYW1wYXJ0MSMwIQYDVQQDDBp0ZXN0IHJvb3Qgb2YgY2x1c3Rlci5sb2Nh',
    'bBcNMjYxMTIwMDAwMDAwWhcNMjYxMTIxMDAwMDAwWjA4MCACAUIXDTI2MTEyMDAwMDAwMFowDDAKBgNVHRUEAwoBATAUAgMA/wAXDTI2',
    'MTEyMDAwMDAwMFqgLzAtMB8GA1UdIwQYMBaAFO6peGIb7zg/YknYjjBuHaAMYAJ9MAoGA1UdFAQDAgEJMAoGCCqGSM49BAMCA0kAMEYC',
    'IQCFUzkRxLmz8ZHnsxcIoKFsQ6Y2x2A6PEMIvtXxD+6RnwIhANS9NfvYekXwdu16xnNiQGMrOTcX36ny5w0E11nd6jC7',
  ),
  empty: lines(
    'MIHxMIGXAgEBMAoGCCqGSM49BAMCMDcxEDAOBgNVBAoMB1JhbXBhcnQxIzAhBgNVBAMMGnRlc3Qgcm9vdCBvZiBjbHVzdGVyLmxvY2Fs',
    'Fw0yNjExMjAwMDAwMDBaFw0yNjExMjEwMDAwMDBaoC8wLTAfBgNVHSMEGDAWgBTuqXhiG+84P2JJ2I4wbh2gDGACfTAKBgNVHRQEAwIB',
    'CjAKBggqhkjOPQQDAgNJADBGAiEAzil4WhLAhpTl1U0ZdQpEAMvboN0a+jYQQKhF3XJBynECIQCqu7lUWF3G4HZPdVGQmKVJIIMYjwtD',
    'j/oVbvxVraDghA==',
  ),
};

/** A bundle of the same authority: its certificate and a key for JWT-SVIDs. */
export const BUNDLE_SEED: { readonly keys: readonly Readonly<Record<string, unknown>>[] } & Readonly<
  Record<string, unknown>
> = {
  keys: [
    {
      use: 'x509-svid',
      kty: 'EC',
      crv: 'P-256',
      x: 'ul_eaI-GC6uaVvU72vmX68gLaPSqpf9cvR5bKoBPMmI',
      y: '2sfKvQOI-mFa6n9pb3e10MpENBbpqFmq3nZZubcI6ug',
      x5c: [CRL_SEEDS.issuer],
    },
    {
      use: 'jwt-svid',
      kid: 'one',
      kty: 'EC',
      crv: 'P-256',
      x: 'ul_eaI-GC6uaVvU72vmX68gLaPSqpf9cvR5bKoBPMmI',
      y: '2sfKvQOI-mFa6n9pb3e10MpENBbpqFmq3nZZubcI6ug',
    },
  ],
  spiffe_sequence: 3,
  spiffe_refresh_hint: 60,
};
