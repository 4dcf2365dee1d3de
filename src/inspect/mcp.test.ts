import { describe, expect, it } from 'vitest';
import { factsOf, type InspectCase, look, refused } from '../../test/kit/inspected.ts';
import type { Facts } from '../call.ts';

const MCP: InspectCase = { protocol: 'mcp', path: '/mcp' };
const facts = (body: unknown, options: InspectCase = {}): Facts => factsOf(body, { ...MCP, ...options });
const isRefused = (body: unknown, ...rawHeaders: readonly string[]): boolean => refused(body, { ...MCP, rawHeaders });

const call = (name: string, args: object = {}, id: unknown = 1): object => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args },
});

describe('a message', () => {
  it('is the operation that its method names, and the tool that it calls is the tool of the call', () => {
    expect(facts(call('mail', { to: 'a@b.co', cc: ['c@d.co'] }))).toMatchObject({
      operation: 'tools/call',
      tools: [{ name: 'mail', type: 'function' }],
      findings: { email: 2 },
      operations: 1,
    });
    expect(facts({ jsonrpc: '2.0', method: 'notifications/initialized' })).toMatchObject({
      operation: 'notifications/initialized',
      tools: [],
    });
    expect(facts({ jsonrpc: '2.0', id: 7, result: { content: { type: 'text', text: 'to a@b.co' } } })).toMatchObject({
      operation: 'response',
      findings: { email: 1 },
    });
  });

  it('is looked into where it is text in base64, and counted where it is an image', () => {
    const blob = Buffer.from('write to a@b.co').toString('base64');
    const content = [
      { type: 'resource', resource: { uri: 'file:///x', blob } },
      { type: 'image', data: 'iVBORw0KGgo=', mimeType: 'image/png' },
      { type: 'audio', data: 'UklGRg==', mimeType: 'audio/wav' },
    ];
    expect(facts({ jsonrpc: '2.0', id: 1, result: { content } })).toMatchObject({
      findings: { email: 1 },
      images: 1,
      audios: 1,
    });
    // what a tool is given is not what it calls itself
    const disguised = { type: 'image', data: 'bWFpbA==', note: 'a@b.co' };
    expect(facts(call('t', disguised)).texts.map(({ text }) => text)).toContain('bWFpbA==');
  });

  it.each<[string, unknown]>([
    ['no object', 'hello'],
    ['a number', 1],
    ['of another version', { jsonrpc: '1.0', id: 1, method: 'ping' }],
    ['of no version', { id: 1, method: 'ping' }],
    ['nothing at all', { jsonrpc: '2.0', id: 1 }],
    ['a request and an answer at once', { jsonrpc: '2.0', id: 1, method: 'ping', result: {} }],
    ['a method that is no name', { jsonrpc: '2.0', id: 1, method: 'tools/call ' }],
    ['a method of no string', { jsonrpc: '2.0', id: 1, method: ['ping'] }],
    ['an id that is null', { jsonrpc: '2.0', id: null, method: 'ping' }],
    ['params by position', { jsonrpc: '2.0', id: 1, method: 'ping', params: [1] }],
    ['a tool without a name', { jsonrpc: '2.0', id: 1, method: 'tools/call', params: {} }],
    ['a tool whose name is a list', { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: ['x'] } }],
    ['two methods to who reads names in any case', { jsonrpc: '2.0', id: 1, method: 'ping', Method: 'tools/call' }],
    ['two names to who reads them in any case', { ...call('a'), params: { name: 'a', Name: 'b' } }],
    ['two names to who folds as Unicode does', { ...call('a'), params: { name: 'a', 'argument\u017f': {} } }],
    ['two of a name', '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}'],
    ['an empty batch', []],
    ['a batch in a batch', [[call('a')]]],
  ])('is refused when it is %s', (_, body) => {
    expect(isRefused(typeof body === 'string' && body.startsWith('{') ? body : JSON.stringify(body))).toBe(true);
  });

  it('is refused when it calls itself anything but JSON', () => {
    expect(refused(call('a'), { ...MCP, contentType: 'text/plain' })).toBe(true);
    expect(facts(call('a'), { contentType: 'application/json; charset=utf-8' }).operation).toBe('tools/call');
  });
});

describe('a batch', () => {
  it('is several operations, each with its facts', () => {
    const { facts: whole, each } = look([call('mail', { to: 'a@b.co' }), { jsonrpc: '2.0', method: 'ping' }], MCP);
    expect(each).toMatchObject([
      { operation: 'tools/call', tools: [{ name: 'mail' }], findings: { email: 1 }, operations: 2 },
      { operation: 'ping', tools: [], findings: {}, operations: 2 },
    ]);
    expect(whole).toMatchObject({ operation: 'batch', tools: [{ name: 'mail' }], findings: { email: 1 } });
  });

  it('is refused with more messages than are decided on', () => {
    expect(isRefused(Array.from({ length: 10_001 }, () => ({ jsonrpc: '2.0', method: 'ping' })))).toBe(true);
  });

  it('is refused with field lines that can repeat one message only', () => {
    const batch = [call('a'), call('b')];
    expect(isRefused(batch)).toBe(false);
    expect(isRefused(batch, 'Mcp-Method', 'tools/call')).toBe(true);
    expect(isRefused(batch, 'Mcp-Name', 'a')).toBe(true);
    expect(isRefused(batch, 'MCP-Protocol-Version', '2026-07-28')).toBe(true);
    expect(isRefused(batch, 'MCP-Protocol-Version', '2025-03-26')).toBe(false);
  });
});

describe('field lines that repeat the message', () => {
  const modern = ['MCP-Protocol-Version', '2026-07-28'];
  const right = [...modern, 'Mcp-Method', 'tools/call', 'Mcp-Name', 'mail'];

  it('pass when they say what it says', () => {
    expect(isRefused(call('mail'), ...right)).toBe(false);
    expect(isRefused(call('mail'), 'Mcp-Method', 'tools/call', 'Mcp-Name', '=?base64?bWFpbA==?=')).toBe(false);
    const read = { jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: 'file:///é' } };
    const name = `=?base64?${Buffer.from('file:///é').toString('base64')}?=`;
    expect(isRefused(read, ...modern, 'Mcp-Method', 'resources/read', 'Mcp-Name', name)).toBe(false);
  });

  it.each<[string, readonly string[]]>([
    ['name another method', [...modern, 'Mcp-Method', 'tools/list', 'Mcp-Name', 'mail']],
    ['name another method of an older version', ['Mcp-Method', 'tools/list']],
    ['name another tool', [...modern, 'Mcp-Method', 'tools/call', 'Mcp-Name', 'shell']],
    ['name the tool in another case', [...modern, 'Mcp-Method', 'tools/call', 'Mcp-Name', 'Mail']],
    ['leave the method out', [...modern, 'Mcp-Name', 'mail']],
    ['leave the tool out', [...modern, 'Mcp-Method', 'tools/call']],
    ['come twice', [...right, 'Mcp-Name', 'mail']],
    ['come under another spelling', [...right, 'Mcp_Name', 'mail']],
    ['repeat a parameter twice', [...right, 'Mcp-Param-Region', 'a', 'mcp-param-region', 'b']],
  ])('are refused when they %s', (_, lines) => {
    expect(isRefused(call('mail'), ...lines)).toBe(true);
  });

  it('are refused when the message says another version, or has nothing that they could name', () => {
    const meta = { 'io.modelcontextprotocol/protocolVersion': '2025-11-25' };
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'mail', _meta: meta } };
    expect(isRefused(body, ...right)).toBe(true);
    const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
    expect(isRefused(list, ...modern, 'Mcp-Method', 'tools/list')).toBe(false);
    expect(isRefused(list, ...modern, 'Mcp-Method', 'tools/list', 'Mcp-Name', 'mail')).toBe(true);
  });

  it('are texts where they repeat an argument', () => {
    const lines = [...right, 'Mcp-Param-To', 'a@b.co', 'Mcp-Param-Cc', `=?base64?${btoa('c@d.co')}?=`];
    const { findings, texts } = facts(call('mail'), { rawHeaders: lines });
    expect(findings).toEqual({ email: 2 });
    expect(texts.map(({ path }) => path)).toContainEqual(['header', 'Mcp-Param-To']);
  });
});
