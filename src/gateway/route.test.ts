import { describe, expect, it } from 'vitest';
import { configSchema } from '../config.ts';
import { compileRoutes } from './route.ts';

const { services } = configSchema.parse({
  identity: { issuers: [{ issuer: 'https://idp.example', audience: 'a' }] },
  services: [
    { name: 'llm', protocol: 'openai', upstream: { url: 'http://127.0.0.1:1' } },
    { name: 'claude', protocol: 'anthropic', host: 'Claude.Example', upstream: { url: 'http://127.0.0.1:2' } },
  ],
});
const routes = compileRoutes(services.map((config) => ({ config })));
const find = (listener: string, host: string, path: string) => {
  const route = routes.find(listener, host, path);
  return route === null ? null : `${route.service.config.name} ${route.path}`;
};

describe('compileRoutes', () => {
  it('routes by the first path segment and leaves the native path', () => {
    expect(find('', 'gw', '/llm/v1/models')).toBe('llm /v1/models');
    expect(find('', 'gw', '/llm')).toBe('llm /');
    expect(find('', 'gw', '/llm/')).toBe('llm /');
  });

  it('does not take a longer or differently cased name for a service', () => {
    expect(find('', 'gw', '/llmx/v1')).toBeNull();
    expect(find('', 'gw', '/LLM/v1')).toBeNull();
    expect(find('', 'gw', '/%6clm/v1')).toBeNull();
    expect(find('', 'gw', '/')).toBeNull();
  });

  it('routes a host to its service at the root path', () => {
    expect(find('', 'claude.example', '/v1/messages')).toBe('claude /v1/messages');
  });

  it('serves only its service on a bound listener', () => {
    expect(find('llm', 'claude.example', '/v1/models')).toBe('llm /v1/models');
    expect(find('gone', 'gw', '/llm/v1/models')).toBeNull();
  });
});
