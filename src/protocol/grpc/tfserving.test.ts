import { describe, expect, it } from 'vitest';
import { loadProto, messageKit } from '../../../test/kit/proto.ts';
import { tfservingGrpc } from './tfserving.ts';

const definitions = loadProto('tfserving');
const kit = (name: string) => messageKit(definitions, `tensorflow.serving.${name}`);
const method = (name: string) => {
  const found = tfservingGrpc.method(`/tensorflow.serving.PredictionService/${name}`);
  if (found === null) throw new Error(`no method ${name}`);
  return found;
};
const predict = method('Predict');
const toBob = (text: string): string => text.replaceAll('anna', 'bob the longer');
const strings = (...texts: readonly string[]) => ({
  dtype: 'DT_STRING',
  tensor_shape: { dim: [{ size: String(texts.length) }] },
  string_val: texts.map((text) => Buffer.from(text)),
});

describe('Predict', () => {
  const request = {
    model_spec: { name: 'chat', signature_name: 'serving_default', version: { value: '3' } },
    inputs: { prompt: strings('hello anna', 'again'), x: { dtype: 'DT_FLOAT', tensor_content: Buffer.from('anna') } },
    output_filter: ['text'],
  };

  it('reads the model, the tensors and the strings', () => {
    const reading = predict.request.read(kit('PredictRequest').write(request));
    expect(reading.model).toBe('chat');
    expect(reading.texts.map(({ text }) => text)).toEqual(['hello anna', 'again']);
    expect(reading.tensors).toMatchObject([
      { name: 'prompt', datatype: 'DT_STRING', shape: [2] },
      { name: 'x', datatype: 'DT_FLOAT', shape: [], bytes: 4 },
    ]);
  });

  it('edits strings, in requests and in answers, and no numbers', () => {
    const bytes = kit('PredictRequest').write(request);
    expect(predict.request.edit(bytes, (text) => text)).toBe(bytes);
    expect(kit('PredictRequest').read(predict.request.edit(bytes, toBob))).toMatchObject({
      inputs: { prompt: strings('hello bob the longer', 'again'), x: { tensor_content: Buffer.from('anna') } },
    });
    const answer = kit('PredictResponse').write({ model_spec: { name: 'chat' }, outputs: { text: strings('anna') } });
    expect(kit('PredictResponse').read(predict.answer.edit(answer, toBob))).toMatchObject({
      outputs: { text: strings('bob the longer') },
    });
  });

  it('refuses strings in serialized form, which only TensorFlow reads', () => {
    const tensor = { dtype: 'DT_STRING', tensor_content: Buffer.from('\x04anna') };
    expect(() => predict.request.read(kit('PredictRequest').write({ inputs: { x: tensor } }))).toThrow('string_val');
    const answer = kit('PredictResponse').write({ outputs: { x: tensor } });
    expect(() => predict.answer.edit(answer, (text) => text)).toThrow('string_val');
  });
});

describe('Classify, Regress, MultiInference', () => {
  const input = {
    example_list: { examples: [{ features: { feature: { name: { bytes_list: { value: [Buffer.from('anna')] } } } } }] },
  };

  it('reads the bytes of examples', () => {
    for (const name of ['Classify', 'Regress']) {
      const reading = method(name).request.read(
        kit('ClassificationRequest').write({ model_spec: { name: 'm' }, input }),
      );
      expect(reading.model).toBe('m');
      expect(reading.texts.map(({ text }) => text)).toEqual(['anna']);
    }
  });

  it('edits the labels of classes', () => {
    const answer = kit('ClassificationResponse').write({
      result: { classifications: [{ classes: [{ label: 'anna', score: 0.5 }] }] },
    });
    expect(kit('ClassificationResponse').read(method('Classify').answer.edit(answer, toBob))).toMatchObject({
      result: { classifications: [{ classes: [{ label: 'bob the longer', score: 0.5 }] }] },
    });
  });

  it('takes one model for all tasks, and refuses two', () => {
    const request = (...names: readonly string[]): Buffer =>
      kit('MultiInferenceRequest').write({
        tasks: names.map((name) => ({ model_spec: { name }, method_name: 'tensorflow/serving/classify' })),
        input,
      });
    expect(method('MultiInference').request.read(request('m', 'm')).model).toBe('m');
    expect(() => method('MultiInference').request.read(request('m', 'n'))).toThrow('one model');
  });
});
