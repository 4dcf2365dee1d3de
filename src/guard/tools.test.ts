import { describe, expect, it } from 'vitest';
import { factsOf } from '../../test/kit/inspected.ts';
import { compileToolGuard } from './tools.ts';

const tool = (name: string) => ({ type: 'function', function: { name } });
const chat = (body: object) => factsOf({ messages: [], ...body });
const mcp = (name: string, args: unknown) =>
  factsOf(
    { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } },
    { protocol: 'mcp', path: '/mcp' },
  );

describe('a guard over tools', () => {
  it('lets tools be offered that a pattern fits, and no other', () => {
    const guard = compileToolGuard({ offer: ['mail', 'search_*', '*-v*'] });
    expect(guard.request(chat({ tools: ['mail', 'search_', 'search_web', 'x-v2'].map(tool) }))).toBeNull();
    for (const name of ['Mail', 'mail ', 'mailx', 'search', 'x_search_web', 'v2', ''])
      expect(guard.request(chat({ tools: [tool('mail'), tool(name)] }))).toContain('offers');
  });

  it('lets nothing be offered with an empty list, and anything without one', () => {
    expect(compileToolGuard({ offer: [] }).request(chat({ tools: [tool('mail')] }))).toContain('offers');
    expect(compileToolGuard({ offer: [] }).request(chat({}))).toBeNull();
    expect(compileToolGuard({ call: [] }).request(chat({ tools: [tool('mail')] }))).toBeNull();
  });

  it('sees tools under either of two names, and those of the server', () => {
    const guard = compileToolGuard({ offer: ['mail'] });
    const twice = { type: 'function', name: 'shell', function: { name: 'mail' } };
    expect(guard.request(chat({ tools: [twice] }))).not.toBeNull();
    expect(guard.request(chat({ tools: [{ type: 'web_search' }] }))).not.toBeNull();
    expect(guard.request(chat({ functions: [{ name: 'shell' }] }))).not.toBeNull();
  });

  it('holds a call that a caller makes (MCP) against its name and its schema', () => {
    const guard = compileToolGuard({
      call: ['mail'],
      arguments: { mail: { type: 'object', properties: { to: { type: 'string' } }, additionalProperties: false } },
    });
    expect(guard.request(mcp('mail', { to: 'a' }))).toBeNull();
    expect(guard.request(mcp('shell', { to: 'a' }))).toContain('called');
    expect(guard.request(mcp('mail', { to: 1 }))).toBe(
      'What the tool mail is given does not fit its schema (#/properties/to/type).',
    );
    expect(guard.request(mcp('mail', { to: 'a', bcc: 'evil' }))).toContain('#/additionalProperties');
  });

  it('holds calls that were made before against their names only: a mask may have changed the rest', () => {
    const guard = compileToolGuard({ arguments: { mail: { type: 'object', required: ['to'] } } });
    const past = (name: string) => ({
      messages: [{ role: 'assistant', tool_calls: [{ function: { name, arguments: '{}' } }] }],
    });
    expect(guard.request(chat(past('mail')))).toBeNull();
    expect(compileToolGuard({ call: ['mail'] }).request(chat(past('shell')))).not.toBeNull();
  });

  it('says nothing of what it was given', () => {
    const guard = compileToolGuard({ call: ['mail'], arguments: { mail: { type: 'object', required: ['x'] } } });
    const wrong = [
      guard.call({ name: 'sekret', arguments: {} }),
      guard.call({ name: 'mail', arguments: 'sekret' }),
      guard.call({ name: 'mail', arguments: { sekret: 'sekret' } }),
    ];
    for (const each of wrong) expect(each).toEqual(expect.not.stringContaining('sekret'));
  });
});
