import { describe, expect, it } from 'vitest';
import { look, type InspectCase } from '../../test/kit/inspected.ts';
import { run, sse } from '../../test/kit/masked-answer.ts';
import { binaryBody, bytesTensor, inBinary } from '../../test/kit/open-inference.ts';
import { deskDescriptors, loadProto, messageKit } from '../../test/kit/proto.ts';
import { bytesTensor as rawTensor } from '../../test/support/grpc-inference.ts';
import { codecs } from '../protocol/codecs.ts';
import type { GrpcMethod } from '../protocol/grpc/codec.ts';
import { codecOfFile } from '../protocol/grpc/descriptors.ts';
import { kserveGrpc } from '../protocol/grpc/kserve.ts';
import { tfservingGrpc } from '../protocol/grpc/tfserving.ts';
import { readJson } from '../protocol/json/json.ts';
import { maskMessage, OF_ANSWER, OF_REQUEST } from './message.ts';
import { ContinuedTexts } from './message-stream.ts';
import { compilePlaces, type PlaceConfig } from './place.ts';
import { maskContent, maskRequest } from './request.ts';
import { compileTextMasker, type TextMasker } from './text-masker.ts';

const KEY = new Uint8Array(32);
const masker = (at: PlaceConfig): TextMasker =>
  compileTextMasker([{ entities: ['email'], with: 'replace', places: compilePlaces(at) }], KEY);

const mail = (n: number): string => `m${n}@example.com`;
/** Returns the numbers of the addresses that are still there. */
const left = (text: string | Buffer): readonly number[] =>
  [...text.toString('latin1').matchAll(/m(\d+)@example/g)].map(([, n]) => Number(n));

const request = (body: unknown, at: PlaceConfig, options: InspectCase = {}): readonly number[] => {
  const { content } = look(body, options);
  if (content === null) throw new Error('expected a body');
  const rendering = maskContent(content, codecs[options.protocol ?? 'openai'], masker(at), () => {});
  return left(rendering?.bytes ?? content.bytes);
};

const CHAT = {
  model: 'm',
  user: mail(0),
  messages: [
    { role: 'system', content: mail(1) },
    { role: 'user', content: [{ type: 'text', text: mail(2) }] },
    { role: 'tool', tool_call_id: 'call_12345678', content: `{"to": "${mail(3)}"}` },
  ],
  metadata: { customer: { mail: mail(4) }, other: mail(5) },
};

describe('the places of a rule', () => {
  it('are the messages of a role in a chat', () => {
    expect(request(CHAT, { roles: ['user'] })).toEqual([0, 1, 3, 4, 5]);
    expect(request(CHAT, { roles: ['tool', 'system'] })).toEqual([0, 2, 4, 5]);
  });

  it('are what a JSON Pointer or a JSONPath means, with all that is below it', () => {
    expect(request(CHAT, { paths: ['/metadata/customer'] })).toEqual([0, 1, 2, 3, 5]);
    expect(request(CHAT, { paths: ['$..mail', '$.messages[0]', '$.user'] })).toEqual([2, 3, 5]);
    expect(request(CHAT, { paths: ['$.messages'], roles: ['user'] })).toEqual([0, 1, 3, 4, 5]);
  });

  it('are tensors by name, in JSON and in binary', () => {
    const infer = { protocol: 'kserve', path: '/v2/models/m/infer' } as const;
    const tensor = (name: string, n: number) => ({ name, datatype: 'BYTES', shape: [1], data: [mail(n)] });
    const json = { inputs: [tensor('text', 1), tensor('text_id', 2), tensor('note', 3)] };
    expect(request(json, { tensors: ['text*'] }, infer)).toEqual([3]);
    expect(request(json, { tensors: ['note'] }, infer)).toEqual([1, 2]);
    const one = bytesTensor(mail(1), mail(2));
    const two = bytesTensor(mail(3));
    const { bytes, rawHeaders } = binaryBody(
      { inputs: [inBinary('text', 'BYTES', [2], one), inBinary('note', 'BYTES', [1], two)] },
      one,
      two,
    );
    const options = { ...infer, rawHeaders, contentType: 'application/octet-stream' };
    expect(request(bytes, { tensors: ['text'] }, options)).toEqual([3]);
    expect(request(bytes, { paths: ['/inputs/0/data/1', '/inputs/1'] }, options)).toEqual([1]);
  });

  it('are the fields of a form', () => {
    const field = (name: string, text: string): string =>
      `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${text}\r\n`;
    const body = `${field('model', 'whisper-1')}${field('prompt', mail(1))}${field('user', mail(2))}--b--\r\n`;
    const options = { path: '/v1/audio/transcriptions', contentType: 'multipart/form-data; boundary=b' };
    expect(request(Buffer.from(body), { paths: ['/prompt'] }, options)).toEqual([2]);
    expect(request(Buffer.from(body), { paths: ['/user'] }, options)).toEqual([1]);
  });

  it('are those of an answer, whole and in the events of a stream', () => {
    const answer = { choices: [{ index: 0, message: { role: 'assistant', content: mail(1) } }], note: mail(2) };
    const whole = (at: PlaceConfig): readonly number[] =>
      left(run([Buffer.from(JSON.stringify(answer))], { contentType: 'application/json', masker: masker(at) }).text);
    expect(whole({ paths: ['$.choices[*].message'] })).toEqual([2]);
    expect(whole({ roles: ['user'] })).toEqual([1, 2]);
    expect(whole({ roles: ['assistant'] })).toEqual([]);
    const events = ['m1@exam', 'ple.com '].map((content) => ({
      choices: [{ index: 0, delta: { content } }],
      note: mail(2),
    }));
    const streamed = (at: PlaceConfig): string => run([Buffer.from(sse(...events))], { masker: masker(at) }).text;
    expect(streamed({ paths: ['$.choices[*].delta'] })).toMatch(/<EMAIL>/);
    expect(left(streamed({ paths: ['$.choices[*].delta'] }))).toEqual([2, 2]);
    expect(streamed({ paths: ['/note'] })).toContain('m1@exam');
    expect(left(streamed({ paths: ['/note'] }))).toEqual([]);
  });

  it('are everywhere where nobody can tell where a text stands', () => {
    expect(masker({ roles: ['user'] }).whole(mail(1), () => {})).toBe('<EMAIL>');
  });

  it('leave the rules for everywhere alone, and a block stays a block where it is meant', () => {
    const rules = compileTextMasker(
      [
        { entities: ['email'], with: 'block', places: compilePlaces({ roles: ['system'] }) },
        { entities: ['email'], with: 'redact', places: compilePlaces({ roles: ['user'] }) },
        { entities: ['email'], with: 'replace' },
      ],
      KEY,
    );
    const at = (role: string): string => rules.at?.({ path: [], role, tensor: '' }).whole(mail(1), () => {}) ?? '';
    expect(at('user')).toBe('[redacted]');
    expect(at('tool')).toBe('<EMAIL>');
    expect(() => at('system')).toThrow(expect.objectContaining({ reason: 'mask-blocked' }));
  });

  it('share the tokens of a call', () => {
    const rules = compileTextMasker(
      [
        { entities: ['email'], with: 'tokenize', places: compilePlaces({ roles: ['user'] }) },
        { entities: ['email'], with: 'tokenize', places: compilePlaces({ roles: ['tool'] }) },
      ],
      KEY,
    ).session();
    const at = (role: string, n: number) => rules.at?.({ path: [], role, tensor: '' }).whole(mail(n), () => {});
    expect([at('user', 1), at('tool', 2), at('tool', 1)]).toEqual(['<EMAIL_1>', '<EMAIL_2>', '<EMAIL_1>']);
  });
});

describe('the places of a rule in the messages of a WebSocket', () => {
  const realtime = codecs.openai.operation('GET', '/v1/realtime');
  const socket = realtime === null ? null : (codecs.openai.socket?.(realtime) ?? null);
  if (socket === null) throw new Error('expected an operation that is a WebSocket');

  /** Returns the numbers of the addresses that are left in a message of a caller. */
  const said = (message: object, at: PlaceConfig): readonly number[] => {
    const document = readJson(Buffer.from(JSON.stringify(message)));
    const asked = { ...socket.message(document.value), document: document.value };
    return left(maskRequest(document, codecs.openai, asked.operation, masker(at), () => {}, [asked]));
  };
  const item = (role: string) => ({
    type: 'conversation.item.create',
    item: { type: 'message', role, content: [{ type: 'input_text', text: mail(1) }] },
    event_id: 'e1',
  });

  it('are those of the role that the message says, as over HTTP', () => {
    expect(said(item('user'), { roles: ['user'] })).toEqual([]);
    expect(said(item('system'), { roles: ['user'] })).toEqual([1]);
    expect(said({ type: 'session.update', session: { instructions: mail(2) } }, { roles: ['user'] })).toEqual([2]);
    expect(said({ type: 'session.update', session: { instructions: mail(2) } }, { roles: ['system'] })).toEqual([]);
  });

  it('are paths into each message', () => {
    expect(said(item('user'), { paths: ['$.item.content[*].text'] })).toEqual([]);
    expect(said(item('user'), { paths: ['/session/instructions'] })).toEqual([1]);
  });
});

describe('the places of a rule in messages of gRPC', () => {
  const kserve = (method: string) => kserveGrpc.method(`/inference.GRPCInferenceService/${method}`);
  const infer = kserve('ModelInfer');
  const stream = kserve('ModelStreamInfer');
  const predict = tfservingGrpc.method('/tensorflow.serving.PredictionService/Predict');
  const generic = codecOfFile(deskDescriptors()).method('/desk.v1.Desk/Ask');
  if (infer === null || stream === null || predict === null || generic === null) throw new Error('expected methods');
  const inference = loadProto('inference');

  const tensors = (...names: readonly string[]) => names.map((name) => ({ name, datatype: 'BYTES', shape: ['1'] }));
  const rawRequest = messageKit(inference, 'inference.ModelInferRequest').write({
    model_name: 'm',
    inputs: [tensors('prompt')[0], { name: 'n', datatype: 'FP32', shape: ['1'] }, tensors('other')[0]],
    raw_input_contents: [rawTensor(mail(1)), Buffer.alloc(4), rawTensor(mail(2))],
    parameters: { note: { string_param: mail(3) } },
  });
  const inlineRequest = messageKit(inference, 'inference.ModelInferRequest').write({
    model_name: 'm',
    inputs: tensors('prompt', 'other').map((tensor, at) => ({
      ...tensor,
      contents: { bytes_contents: [Buffer.from(mail(at + 1))] },
    })),
  });

  const asked = (message: Buffer, method: GrpcMethod, at: PlaceConfig): readonly number[] =>
    left(maskMessage(message, method.request, masker(at), () => {}, OF_REQUEST)).toSorted((a, b) => a - b);

  it.each([
    ['raw', rawRequest, [2, 3], [1, 3]],
    ['inline', inlineRequest, [2], [1]],
  ])('are the tensors that texts stand in, %s', (_, message, other, prompt) => {
    expect(asked(message, infer, { tensors: ['prompt'] })).toEqual(other);
    expect(asked(message, infer, { tensors: ['oth*'] })).toEqual(prompt);
    expect(asked(message, infer, {})).toEqual([]);
  });

  it('are paths into each message', () => {
    expect(asked(rawRequest, infer, { paths: ['/parameters'] })).toEqual([1, 2]);
    expect(asked(inlineRequest, infer, { paths: ['$.inputs[1]'] })).toEqual([1]);
  });

  it('are the texts of the model in answers, and no role of requests that have none', () => {
    expect(asked(rawRequest, infer, { roles: ['user'] })).toEqual([1, 2, 3]);
    const answer = messageKit(inference, 'inference.ModelInferResponse').write({
      outputs: tensors('text', 'log'),
      raw_output_contents: [rawTensor(mail(1)), rawTensor(mail(2))],
    });
    const said = (at: PlaceConfig) => left(maskMessage(answer, infer.answer, masker(at), () => {}, OF_ANSWER));
    expect([said({ roles: ['assistant'] }), said({ roles: ['user'] }), said({ tensors: ['log'] })]).toEqual([
      [],
      [1, 2],
      [1],
    ]);
  });

  it('are those of each tensor in a stream whose messages swap them', () => {
    const piece = (name: string, text: string): Buffer =>
      messageKit(inference, 'inference.ModelStreamInferResponse').write({
        infer_response: { id: '1', outputs: tensors(name), raw_output_contents: [rawTensor(text)] },
      });
    if (stream.answer.continued === undefined) throw new Error('expected texts that go on');
    const texts = new ContinuedTexts(stream.answer, stream.answer.continued, masker({ tensors: ['text'] }), () => {});
    const out = [
      ...texts.push(piece('log', `${mail(1)} `)),
      ...texts.push(piece('text', `${mail(2)} `)),
      ...texts.push(piece('log', `${mail(3)} `)),
      ...texts.end(),
    ];
    expect(left(Buffer.concat(out))).toEqual([1, 3]);
  });

  it('are the names of tensors in maps (TensorFlow Serving)', () => {
    const strings = (text: string) => ({ dtype: 'DT_STRING', string_val: [Buffer.from(text)] });
    const message = messageKit(loadProto('tfserving'), 'tensorflow.serving.PredictRequest').write({
      inputs: { prompt: strings(mail(1)), other: strings(mail(2)) },
    });
    expect(asked(message, predict, { tensors: ['prompt'] })).toEqual([2]);
    expect(asked(message, predict, { tensors: ['other'] })).toEqual([1]);
  });

  it('cannot be told of other services but for the path: rules about tensors and roles of requests apply', () => {
    const letter = messageKit(loadProto('desk'), 'desk.v1.Letter').write({ text: mail(1) });
    expect(asked(letter, generic, { tensors: ['prompt'] })).toEqual([]);
    expect(asked(letter, generic, { roles: ['user'] })).toEqual([]);
    expect(asked(letter, generic, { paths: ['/lines'] })).toEqual([1]);
    expect(asked(letter, generic, { paths: ['/text'] })).toEqual([]);
  });
});
