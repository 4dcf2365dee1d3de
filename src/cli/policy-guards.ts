/** What the guards of a service say of a call that is written down. */

import type { Facts } from '../call.ts';
import type { Config, ServiceConfig } from '../config.ts';
import type { WrittenCall } from '../decide/case.ts';
import type { GuardForeseen } from '../decide/foresee.ts';
import { type ElementBytes, tensorMisfit } from '../guard/tensors.ts';
import { compileToolGuard } from '../guard/tools.ts';
import { codecFor } from '../protocol/codecs.ts';
import { elementBytes } from '../protocol/tensors.ts';

/** Returns what the guards of the service say that a written call goes to, in the order in which they look. */
export function guardsOf(
  { services }: Pick<Config, 'services'>,
  written: WrittenCall,
  facts: Facts,
): readonly GuardForeseen[] {
  const service = services.find(({ name }) => name === written.call.service);
  if (service === undefined) return [];
  return [...toolGuard(service, facts), ...tensorGuard(service, written, facts)];
}

function toolGuard({ name, tools }: ServiceConfig, facts: Facts): readonly GuardForeseen[] {
  if (tools === undefined) return [];
  const wrong = compileToolGuard(tools).request(facts);
  return [{ name: `${name}.tools`, outcome: wrong === null ? 'passes' : 'refuses', why: wrong ?? '' }];
}

/** Of a tensor whose size is not written down, it is what its shape says. */
const unsized: ElementBytes = () => null;

function tensorGuard(service: ServiceConfig, { call, metadata }: WrittenCall, facts: Facts): readonly GuardForeseen[] {
  if (service.tensors === undefined) return [];
  const name = `${service.name}.tensors`;
  const codec = codecFor(service.protocol, service);
  const operation = codec.operation(call.method, call.path);
  // gRPC and what the path does not tell: what has tensors is looked at
  const asking = operation === null ? null : (codec.metadata?.(operation, call.path) ?? null);
  if (asking === 'unseen')
    return [{ name, outcome: 'refuses', why: 'No metadata says what this operation hands to the model.' }];
  if (asking === null && facts.tensors.length === 0) return [{ name, outcome: 'passes', why: '' }];
  if (metadata === undefined)
    return [{ name, outcome: 'not known', why: 'it takes `metadata`: what the model server says of the model' }];
  const sizes = facts.tensors.every(({ bytes }) => bytes > 0) ? elementBytes : unsized;
  const why = tensorMisfit(facts.tensors, metadata, sizes);
  if (why === null) return [{ name, outcome: 'passes', why: '' }];
  return [{ name, outcome: 'refuses', why: `The tensors are not what the model takes: ${why}.` }];
}
