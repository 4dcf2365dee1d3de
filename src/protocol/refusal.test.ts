/** The refusals of the codecs, read by the SDKs that callers use. */

import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterEach, describe, expect, it } from 'vitest';
import { type Serving, serve } from '../../test/kit/serve-once.ts';
import { REASONS, type Reason } from '../reasons.ts';
import type { Codec, Refusal } from './codec.ts';
import { codecs } from './codecs.ts';
import { renderEvent } from './framing/sse.ts';

let serving: Serving | null = null;
afterEach(() => serving?.close());

/** Serves one answer to everything; resolves to the origin. */
const answer = async (status: number, contentType: string, body: string): Promise<string> => {
  serving = await serve((_, res) => {
    res.writeHead(status, { 'content-type': contentType });
    res.end(body);
  });
  return serving.origin;
};

const refusalOf = (reason: Reason): Refusal => ({
  status: REASONS[reason].status,
  reason,
  title: REASONS[reason].title,
  detail: 'Ask ml-leads.',
  session: 's1',
  extra: { approval: 'a1' },
});

const refuse = (codec: Codec, reason: Reason): Promise<string> => {
  const refusal = refusalOf(reason);
  const document = { type: 'about:blank', title: refusal.title, status: refusal.status, ...codec.refusal(refusal) };
  return answer(refusal.status, 'application/problem+json', JSON.stringify(document));
};

const caught = async (step: () => Promise<unknown>): Promise<unknown> => {
  try {
    await step();
  } catch (error) {
    return error;
  }
  throw new Error('expected a rejection');
};

const openai = (baseURL: string): OpenAI => new OpenAI({ apiKey: 'k', baseURL: `${baseURL}/v1`, maxRetries: 0 });
const anthropic = (baseURL: string): Anthropic => new Anthropic({ apiKey: 'k', baseURL, maxRetries: 0 });
const chat = { model: 'm', messages: [{ role: 'user' as const, content: 'x' }] };
const messages = { ...chat, max_tokens: 1 };

describe('a refusal of an OpenAI service', () => {
  it.each([
    ['body-unreadable', OpenAI.BadRequestError, 'invalid_request_error'],
    ['token-expired', OpenAI.AuthenticationError, 'authentication_error'],
    ['policy-denied', OpenAI.PermissionDeniedError, 'permission_error'],
    ['approval-required', OpenAI.PermissionDeniedError, 'permission_error'],
    ['operation-unknown', OpenAI.NotFoundError, 'not_found_error'],
    ['body-too-large', OpenAI.APIError, 'invalid_request_error'],
    ['approval-limit', OpenAI.RateLimitError, 'rate_limit_error'],
    ['answer-unreadable', OpenAI.InternalServerError, 'server_error'],
    ['overloaded', OpenAI.InternalServerError, 'server_error'],
  ] as const)('%s is what the SDK calls it', async (reason, type, name) => {
    const error = await caught(async () => openai(await refuse(codecs.openai, reason)).chat.completions.create(chat));
    expect(error).toBeInstanceOf(type);
    const message = `${REASONS[reason].title} Ask ml-leads.`;
    expect(error).toMatchObject({
      status: REASONS[reason].status,
      code: reason,
      type: name,
      param: null,
      message: `${REASONS[reason].status} ${message}`,
      error: { message, session: 's1', approval: 'a1' },
    });
  });

  it.each([
    ['chat', (client: OpenAI) => client.chat.completions.create({ ...chat, stream: true })],
    ['responses', (client: OpenAI) => client.responses.create({ model: 'm', input: 'x', stream: true })],
  ])('in a stream of %s ends it with the same error', async (_, start) => {
    const { event, value } = codecs.openai.streamFailure(refusalOf('answer-blocked'));
    const origin = await answer(200, 'text/event-stream', renderEvent(event, JSON.stringify(value)));
    const error = await caught(async () => {
      for await (const part of await start(openai(origin))) expect(part).toBeUndefined();
    });
    expect(error).toBeInstanceOf(OpenAI.APIError);
    expect(error).toMatchObject({ code: 'answer-blocked', type: 'server_error', error: { session: 's1' } });
  });
});

describe('a refusal of an Anthropic service', () => {
  it.each([
    ['body-unreadable', Anthropic.BadRequestError, 'invalid_request_error'],
    ['token-expired', Anthropic.AuthenticationError, 'authentication_error'],
    ['policy-denied', Anthropic.PermissionDeniedError, 'permission_error'],
    ['operation-unknown', Anthropic.NotFoundError, 'not_found_error'],
    ['body-too-large', Anthropic.APIError, 'request_too_large'],
    ['approval-limit', Anthropic.RateLimitError, 'rate_limit_error'],
    ['internal', Anthropic.InternalServerError, 'api_error'],
    ['overloaded', Anthropic.APIError, 'overloaded_error'],
  ] as const)('%s is what the SDK calls it', async (reason, type, name) => {
    const error = await caught(async () => anthropic(await refuse(codecs.anthropic, reason)).messages.create(messages));
    expect(error).toBeInstanceOf(type);
    expect(error).toMatchObject({
      status: REASONS[reason].status,
      type: name,
      error: {
        type: 'error',
        error: {
          type: name,
          message: `${REASONS[reason].title} Ask ml-leads.`,
          code: reason,
          session: 's1',
          approval: 'a1',
        },
      },
    });
  });

  it('in a stream ends it with the same error', async () => {
    const { event, value } = codecs.anthropic.streamFailure(refusalOf('answer-blocked'));
    const origin = await answer(200, 'text/event-stream', renderEvent(event, JSON.stringify(value)));
    const error = await caught(async () => {
      for await (const part of await anthropic(origin).messages.create({ ...messages, stream: true }))
        expect(part).toBeUndefined();
    });
    expect(error).toBeInstanceOf(Anthropic.APIError);
    expect(error).toMatchObject({ type: 'api_error', error: { error: { code: 'answer-blocked' } } });
  });
});

describe('a refusal of any other service', () => {
  it('adds nothing to the problem document', () => {
    expect(codecs.http.refusal(refusalOf('policy-denied'))).toEqual({});
    expect(codecs.http.streamFailure(refusalOf('answer-blocked'))).toMatchObject({
      event: 'error',
      value: { error: { code: 'answer-blocked', session: 's1' } },
    });
  });
});
