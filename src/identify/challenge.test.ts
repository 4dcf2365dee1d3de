import { describe, expect, test } from 'vitest';
import { REASONS } from '../reasons.ts';
import { challengesFor, protectedResourceMetadata } from './challenge.ts';

describe('WWW-Authenticate', () => {
  const challengeFor = challengesFor('https://gateway.example');
  const metadata = 'resource_metadata="https://gateway.example/.well-known/oauth-protected-resource"';

  test('a request without credential gets no error code (RFC 6750 §3)', () => {
    expect(challengeFor('no-token')).toBe(`Bearer ${metadata}`);
  });

  test('a token that is not accepted is invalid_token, and says why in the words of the reason', () => {
    expect(challengeFor('token-expired')).toBe(
      `Bearer error="invalid_token", error_description="The token has expired.", ${metadata}`,
    );
  });

  test.each(['token-conflict', 'token-in-query'] as const)('%s is invalid_request', (reason) => {
    expect(challengeFor(reason)).toContain('error="invalid_request"');
  });

  test.each(['groups-unknown', 'issuer-unavailable'] as const)('%s asks for no other token', (reason) => {
    expect(challengeFor(reason)).toBe('');
  });

  test('the titles of reasons fit into error_description (RFC 6750 §3)', () => {
    for (const { title } of Object.values(REASONS)) expect(title).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
  });

  test('the well-known path goes between the host and the path of the gateway (RFC 9728 §3.1)', () => {
    expect(challengesFor('https://gateway.example/ai/')('no-token')).toBe(
      'Bearer resource_metadata="https://gateway.example/.well-known/oauth-protected-resource/ai"',
    );
  });
});

test('the metadata name the gateway, its issuers in order, and the header as the only way in (RFC 9728 §2)', () => {
  const issuers = ['https://a.example', 'https://b.example'];
  expect(protectedResourceMetadata({ publicUrl: 'https://gateway.example/', issuers })).toEqual({
    resource: 'https://gateway.example',
    authorization_servers: issuers,
    bearer_methods_supported: ['header'],
    resource_name: 'Sallyport',
  });
});
