import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { ApplyGuardrailCommand, BedrockRuntimeClient } from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { expect, it } from 'vitest';
import { listenOnLoopback, stopListening } from '../../test/support/loopback.ts';
import { bedrock } from './bedrock.ts';
import type { Question } from './question.ts';

const QUESTION: Question = {
  phase: 'answer',
  service: 'llm',
  model: 'm',
  masked: false,
  parts: ['Call Jo.', 'Jo 👋'].map((text) => ({ role: 'assistant', text, from: 0 })),
  asked: '',
};
const ANSWER = {
  usage: {},
  action: 'GUARDRAIL_INTERVENED',
  outputs: [{ text: 'Call {NAME}.' }],
  assessments: [
    { sensitiveInformationPolicy: { piiEntities: [{ match: 'Jo', type: 'NAME', action: 'ANONYMIZED' }], regexes: [] } },
  ],
};

it('asks and reads a guardrail as the client of AWS does', async () => {
  const seen: { path: string; body: unknown }[] = [];
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const body = await buffer(request);
      seen.push({ path: request.url ?? '', body: JSON.parse(body.toString()) });
      response.setHeader('content-type', 'application/json').end(JSON.stringify(ANSWER));
    };
    void answer();
  });
  const port = await listenOnLoopback(server);
  const client = new BedrockRuntimeClient({
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${port}`,
    credentials: { accessKeyId: 'A', secretAccessKey: 'S' },
    maxAttempts: 1,
    // its default is HTTP/2
    requestHandler: new NodeHttpHandler(),
  });
  const dialect = bedrock({ id: 'arn:aws:bedrock:us-east-1:123456789012:guardrail/gr1', version: '7' });
  try {
    const said = await client.send(
      new ApplyGuardrailCommand({
        guardrailIdentifier: 'arn:aws:bedrock:us-east-1:123456789012:guardrail/gr1',
        guardrailVersion: '7',
        source: 'OUTPUT',
        content: QUESTION.parts.map(({ text }) => ({ text: { text } })),
      }),
    );
    const { path, body } = dialect.post(QUESTION);
    expect(seen).toEqual([{ path, body: JSON.parse(body) }]);
    const ours = dialect.read(ANSWER, QUESTION);
    expect(ours.flagged).toBe(said.action === 'GUARDRAIL_INTERVENED');
    const [pii] = said.assessments?.[0]?.sensitiveInformationPolicy?.piiEntities ?? [];
    expect(ours.labels).toEqual([`pii:${pii?.type}`]);
    expect(ours.spans.length).toBe(2);
  } finally {
    client.destroy();
    await stopListening(server);
  }
});
