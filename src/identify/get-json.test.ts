import { expect, test } from 'vitest';
import { endpoint } from './get-json.ts';

test('keys are fetched over https, wherever they are', () => {
  expect(endpoint('https://www.googleapis.com/oauth2/v3/certs', 'https://accounts.google.com').href).toBe(
    'https://www.googleapis.com/oauth2/v3/certs',
  );
});

test.each(['http://127.0.0.1:4444/jwks', 'http://localhost/jwks', 'http://[::1]:1/jwks', 'http://127.9.9.9/jwks'])(
  'an issuer on this machine may use plain http on it: %s',
  (url) => {
    expect(endpoint(url, 'http://127.0.0.1:4444').href).toBe(url);
  },
);

test.each([
  'http://127.0.0.1:8081/jwks',
  'http://localhost/',
  'http://[::1]/',
  'http://169.254.169.254/latest/meta-data',
  'http://10.0.0.1/',
])('an issuer elsewhere cannot make us call %s', (url) => {
  expect(() => endpoint(url, 'https://idp.example')).toThrow('expected https');
});

test.each([
  'http://127.0.0.1.evil.example/',
  'http://localhost.evil.example/',
  'http://127.evil.example/',
  'http://[::ffff:10.0.0.1]/',
  'http://0.0.0.0/',
])('a name that merely looks like this machine is not this machine: %s', (url) => {
  expect(() => endpoint(url, 'http://127.0.0.1:1')).toThrow('expected https');
});

test.each(['https://user@idp.example/', 'https://:pass@idp.example/', 'https://idp.example/#keys'])('%s', (url) => {
  expect(() => endpoint(url, 'https://idp.example')).toThrow('without user and fragment');
});
