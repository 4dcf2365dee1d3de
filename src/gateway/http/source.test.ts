import { describe, expect, it } from 'vitest';
import { trustedProxies } from './source.ts';

describe('trustedProxies', () => {
  it('believes nobody by default', () => {
    expect(trustedProxies([]).source('10.0.0.1', '1.2.3.4')).toBe('10.0.0.1');
  });

  it('reads the chain from the right, only as far as trusted hops reach', () => {
    const proxies = trustedProxies(['10.0.0.0/8', '::1']);
    expect(proxies.source('10.0.0.1', '6.6.6.6, 1.2.3.4')).toBe('1.2.3.4');
    expect(proxies.source('10.0.0.1', '6.6.6.6, 1.2.3.4, 10.9.9.9')).toBe('1.2.3.4');
    expect(proxies.source('9.9.9.9', '1.2.3.4')).toBe('9.9.9.9');
    expect(proxies.source('::1', '1.2.3.4')).toBe('1.2.3.4');
    expect(proxies.source('::ffff:10.0.0.1', '1.2.3.4')).toBe('1.2.3.4');
  });

  it('stops at an entry that is no address', () => {
    expect(trustedProxies(['10.0.0.1']).source('10.0.0.1', '1.2.3.4, unknown')).toBe('10.0.0.1');
  });

  it.each(['proxy.example', '10.0.0.0/33', '10.0.0.0/x', '::1/129'])('refuses the entry %s', (entry) => {
    expect(() => trustedProxies([entry])).toThrow(entry);
  });
});
