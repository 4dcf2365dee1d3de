/** What must hold between the guards of a service and the rest of it. */

import type { ServiceConfig } from '../config.ts';
import type { ConfigIssue } from './issues.ts';
import type { ConfigPath } from './yaml.ts';
import { compileSchema, type JsonSchema, SchemaError } from '../json-schema.ts';
import { namePattern } from '../name-pattern.ts';
import { nearest } from '../nearest.ts';
import { safeJson } from '../safe-text.ts';

const when = (wrong: boolean, path: ConfigPath, message: string): readonly ConfigIssue[] =>
  wrong ? [{ path, message, atKey: false }] : [];

/** Protocols with tools; in any other, a guard over them would look like one that is in force. */
const WITH_TOOLS: ReadonlySet<string> = new Set([
  'openai',
  'azure',
  'anthropic',
  'bedrock',
  'cohere',
  'gemini',
  'ollama',
  'tgi',
  'vllm',
  'llama-server',
  'mcp',
]);

const schemaIssue = (schema: JsonSchema, path: ConfigPath): readonly ConfigIssue[] => {
  try {
    compileSchema(schema);
    return [];
  } catch (error) {
    if (error instanceof SchemaError) return when(true, path, error.message);
    throw error;
  }
};

const toolIssues = ({ tools, protocol }: ServiceConfig, at: number): readonly ConfigIssue[] => {
  if (tools === undefined) return [];
  const path = ['services', at, 'tools'];
  const { offer, call, arguments: schemas = {} } = tools;
  const mayCall = call?.map(namePattern);
  return [
    ...when(!WITH_TOOLS.has(protocol), path, `a service of the protocol ${protocol} has no tools`),
    ...when(
      protocol === 'mcp' && offer !== undefined,
      [...path, 'offer'],
      'callers of an MCP server offer no tools; expected call',
    ),
    ...Object.entries(schemas).flatMap(([name, schema]) => {
      const place = [...path, 'arguments', name];
      if (mayCall?.some((fits) => fits(name)) !== false) return schemaIssue(schema, place);
      const meant = nearest(name, call ?? []);
      const hint = meant === null ? '' : `; did you mean ${safeJson(meant)}?`;
      return when(true, place, `no tool of that name may be called${hint}`);
    }),
  ];
};

const tensorIssues = ({ tensors, protocol, grpc }: ServiceConfig, at: number): readonly ConfigIssue[] => {
  const path = ['services', at, 'tensors'];
  const described = protocol === 'grpc' ? grpc?.descriptors : protocol;
  return [
    ...when(
      tensors !== undefined && described !== 'kserve' && described !== 'tfserving',
      path,
      'expected the protocol kserve or tfserving, or grpc with their descriptors: no other says what a model takes',
    ),
    ...when(tensors?.fresh === 0, [...path, 'fresh'], 'expected more than zero'),
  ];
};

/** Returns everything that does not hold in the guards of the service at this place of the list. */
export const guardIssues = (service: ServiceConfig, at: number): readonly ConfigIssue[] => [
  ...toolIssues(service, at),
  ...tensorIssues(service, at),
];
