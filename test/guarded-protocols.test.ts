import { describe, expect, it } from 'vitest';
import { configSchema } from '../src/config.ts';
import { guardIssues } from '../src/config/guards.ts';
import { codecs } from '../src/protocol/codecs.ts';

const PROTOCOLS = configSchema.shape.services.unwrap().shape.protocol.options;

describe('guards over tools', () => {
  it.each(PROTOCOLS)('%s: the config takes them just where tool calls are read', (protocol) => {
    const codec = protocol === 'grpc' ? null : codecs[protocol];
    // what a path names: MCP has one for everything, and a codec made of several knows by it whose operation it is
    const asked = codec?.operation('POST', '/v1/chat/completions') ?? null;
    const operations = [...(codec?.about.operations ?? []), ...(asked === null ? [] : [asked])];
    const reads = operations.some((operation) => (codec?.toolCalls?.(operation) ?? null) !== null);
    const parsed = configSchema.shape.services.safeParse([
      { name: 'it', protocol, upstream: { url: 'http://127.0.0.1:1' }, tools: { call: ['search'] } },
    ]);
    if (!parsed.success) throw parsed.error;
    const issues = parsed.data.flatMap((service, at) => guardIssues(service, at));
    expect(issues.some(({ path }) => path.at(-1) === 'tools')).toBe(!reads);
  });
});
