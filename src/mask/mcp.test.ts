import { describe, expect, it } from 'vitest';
import { run, sse } from '../../test/kit/masked-answer.ts';
import { MASK, wordMasker } from '../../test/kit/word-masker.ts';
import { mcp } from '../protocol/mcp/mcp.ts';
import { maskContent } from './request.ts';

const operation = mcp.operation('POST', '/mcp')!;
const masked = (body: unknown, ...rawHeaders: readonly string[]) => {
  const raw = { bytes: Buffer.from(JSON.stringify(body)), contentType: 'application/json', rawHeaders };
  const content = mcp.content?.(operation, raw) ?? null;
  if (content === null) throw new Error('expected a content');
  const rendering = maskContent(content, mcp, wordMasker, () => {});
  return rendering === null ? null : { body: JSON.parse(rendering.bytes.toString()), fields: rendering.fields };
};
const decoded = (value = ''): string => Buffer.from(/^=\?base64\?(.*)\?=$/.exec(value)?.[1] ?? '', 'base64').toString();

describe('masking a message', () => {
  const call = (name: string, args: object): object => ({
    jsonrpc: '2.0',
    id: 'call-12345678',
    method: 'tools/call',
    params: { name, arguments: args },
  });

  it('leaves what tells messages apart and masks what a tool is given', () => {
    expect(masked(call('mail', { to: 'bob@x.org', 'x@y': { deep: ['eve@x.org'] } }))?.body).toEqual(
      call('mail', { to: MASK, [MASK]: { deep: [MASK] } }),
    );
    expect(masked(call('mail', { to: 'nobody' }))).toBeNull();
  });

  it('masks every message of a batch', () => {
    const batch = [call('a', { to: 'bob@x.org' }), call('b', {})];
    expect(masked(batch)?.body).toEqual([call('a', { to: MASK }), call('b', {})]);
  });

  it('masks the field lines that repeat it, so that nothing of it is left there and both still agree', () => {
    const read = { jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: 'mail bob@x.org' } };
    const out = masked(
      read,
      'MCP-Protocol-Version',
      '2026-07-28',
      'Mcp-Method',
      'resources/read',
      'Mcp-Name',
      'mail bob@x.org',
    );
    expect(out?.body.params.uri).toBe(`mail ${MASK}`);
    expect(out?.fields).toEqual(['Mcp-Name', `mail ${MASK}`]);
    const lines = ['Mcp-Method', 'tools/call', 'Mcp-Name', 'mail', 'Mcp-Param-To', 'bob@x.org', 'Mcp-Param-Note', 'hi'];
    expect(masked(call('mail', { to: 'bob@x.org', note: 'hi' }), ...lines)?.fields).toEqual([
      'Mcp-Param-To',
      MASK,
      'Mcp-Param-Note',
      'hi',
      'Mcp-Name',
      'mail',
    ]);
    const odd = `=?base64?${Buffer.from('é bob@x.org').toString('base64')}?=`;
    const [, value] = masked(call('mail', {}), 'Mcp-Param-To', odd)?.fields ?? [];
    expect(decoded(value)).toBe(`é ${MASK}`);
  });
});

describe('masking what a server says', () => {
  const result = (text: string): object => ({ jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text }] } });

  it('masks a whole answer, text in base64 included', () => {
    const blob = Buffer.from('to bob@x.org').toString('base64');
    const answer = {
      jsonrpc: '2.0',
      id: 1,
      result: { contents: [{ uri: 'file:///x', blob }], nextCursor: 'c123456789' },
    };
    const { text } = run([Buffer.from(JSON.stringify(answer))], { protocol: 'mcp', contentType: 'application/json' });
    const { result: out } = JSON.parse(text);
    expect(Buffer.from(out.contents[0].blob, 'base64').toString()).toBe(`to ${MASK}`);
    expect(out.nextCursor).toBe('c123456789');
  });

  it('masks every message of a stream for itself: requests of the server, progress, the answer', () => {
    const events = [
      { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'mail from bob@x.org' } },
      {
        jsonrpc: '2.0',
        id: 's1',
        method: 'sampling/createMessage',
        params: { messages: [{ role: 'user', content: { type: 'text', text: 'ask eve@x.org' } }] },
      },
      result('bob@x.org'),
    ];
    const wire = `id: 0\ndata: \n\n${sse(...events).replaceAll('data:', 'event: message\nid: 7\ndata:')}`;
    const bytes = Buffer.from(wire);
    for (const cut of [1, 7, bytes.length]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / cut) }, (_, i) =>
        bytes.subarray(i * cut, (i + 1) * cut),
      );
      const { text, mask } = run(chunks, { protocol: 'mcp' });
      expect(text).toBe(wire.replaceAll(/(?:bob|eve)@x\.org/g, JSON.stringify(MASK).slice(1, -1)));
      expect(mask.events).toBe(3);
    }
  });

  it('passes an image as it came', () => {
    const image = {
      jsonrpc: '2.0',
      id: 1,
      result: { content: [{ type: 'image', data: 'MTIzNDU2Nzg5MTIzNDU2Nzg5', mimeType: 'image/png' }] },
    };
    const wire = JSON.stringify(image);
    expect(run([Buffer.from(wire)], { protocol: 'mcp', contentType: 'application/json' }).text).toBe(wire);
  });
});
