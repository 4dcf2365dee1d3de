/**
 * Writes what is generated: docs/config.md and sallyport.schema.json from the config schema, docs/protocols.md from what
 * the codecs declare, docs/detectors.md from the detectors, docs/classifier-webhook.json from what webhooks are asked by.
 * With `--check` it writes nothing and fails when a file is not what it would write.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { z } from 'zod';
import { configSchema } from '../src/config.ts';
import { DETECTORS } from '../src/detect/entities.ts';
import { codecs } from '../src/protocol/codecs.ts';
import { builtIn } from '../src/protocol/grpc/codec.ts';
import { COMMON_METHODS } from '../src/protocol/grpc/common.ts';
import { kserveGrpc } from '../src/protocol/grpc/kserve.ts';
import { tfservingGrpc } from '../src/protocol/grpc/tfserving.ts';
import { classifierWebhook } from './classifier-webhook.ts';
import { configReference } from './config-reference.ts';
import { detectorsReference } from './detectors-reference.ts';
import { protocolsReference } from './protocols-reference.ts';

const root = new URL('../', import.meta.url);

const schema = z.toJSONSchema(configSchema, {
  io: 'input',
  override: ({ jsonSchema }) => {
    // Zod writes the largest safe integer where there is no bound.
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  },
});

const files: Readonly<Record<string, string>> = {
  'docs/config.md': configReference(schema),
  'docs/classifier-webhook.json': `${JSON.stringify(classifierWebhook(), null, 2)}\n`,
  'docs/detectors.md': detectorsReference(DETECTORS),
  'docs/protocols.md': protocolsReference(Object.values(codecs), {
    kserve: kserveGrpc,
    tfserving: tfservingGrpc,
    grpc: builtIn(COMMON_METHODS),
  }),
  'sallyport.schema.json': `${JSON.stringify({ title: 'sallyport.yaml', ...schema }, null, 2)}\n`,
};

const read = (name: string): string => {
  try {
    return readFileSync(new URL(name, root), 'utf8');
  } catch {
    return '';
  }
};

const stale = Object.entries(files).filter(([name, text]) => read(name) !== text);

if (process.argv.includes('--check')) {
  for (const [name] of stale) console.error(`${name} is not what src/ says; npm run generate writes it anew`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  for (const [name, text] of stale) {
    writeFileSync(new URL(name, root), text);
    console.log(`wrote ${name}`);
  }
}
