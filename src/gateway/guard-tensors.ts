/** guard: tensors are held against what their model says that it takes, where a service says so. */

import type { Facts, Verdict } from '../call.ts';
import { type ElementBytes, tensorMisfit } from '../guard/tensors.ts';
import type { Asking, InputSets } from '../protocol/model-inputs.ts';
import { elementBytes } from '../protocol/tensors.ts';
import { askJson, askUnary } from './ask-upstream.ts';
import type { GrpcCall } from './grpc/call.ts';
import type { MetadataCache } from './metadata-cache.ts';
import type { CallState } from './underway.ts';

const UNSEEN = 'What this operation hands to the model cannot be held against what the model says of its inputs.';

interface Question {
  readonly key: string;
  readonly ask: () => Promise<InputSets>;
}

/** Tensors in a message of gRPC may be written in ways of different lengths. */
const unsized: ElementBytes = () => null;

/** Resolves to the verdict on a call over HTTP after its tensors were looked at. Rejects with Failure `metadata-unavailable`. */
export async function guardTensors(call: CallState, verdict: Verdict, each: readonly Facts[]): Promise<Verdict> {
  const { operation, request, served } = call.accepted;
  if (served.metadata === null || operation === null) return verdict;
  if (operation.management === true) call.whenSettled(() => served.metadata?.clear());
  const asking = served.codec.metadata?.(operation, request.path) ?? null;
  const timeout = served.config.upstream.connect_timeout;
  const question = mapped(asking, ({ path, read }) => ({
    key: path,
    ask: async () => read(await askJson(served.upstream, request, path, timeout)),
  }));
  return judged(call, verdict, each, { question, cache: served.metadata, elementBytes });
}

/** Resolves to the verdict on one message of a gRPC call after its tensors were looked at. Rejects as guardTensors does. */
export async function guardMessage(
  call: GrpcCall,
  verdict: Verdict,
  facts: Facts,
  message: Buffer | null,
): Promise<Verdict> {
  const { served, grpc } = call.accepted;
  const { method } = call;
  if (served.metadata === null || method === null || message === null) return verdict;
  if (method.operation.management === true) call.whenSettled(() => served.metadata?.clear());
  const asking = method.metadata?.(message) ?? null;
  const timeout = served.config.upstream.connect_timeout;
  const question = mapped(asking, ({ path, message: asked, read }) => ({
    key: `${path} ${asked.toString('base64')}`,
    ask: async () => read(await askUnary(grpc.upstream, path, asked, timeout)),
  }));
  return judged(call, verdict, [facts], { question, cache: served.metadata, elementBytes: unsized });
}

const mapped = <Q extends object>(asking: Asking<Q>, to: (question: Q) => Question): Asking<Question> =>
  asking === null || asking === 'unseen' ? asking : to(asking);

interface Judging {
  readonly question: Asking<Question>;
  readonly cache: MetadataCache;
  readonly elementBytes: ElementBytes;
}

async function judged(
  call: CallState,
  verdict: Verdict,
  each: readonly Facts[],
  { question, cache, elementBytes: bytes }: Judging,
): Promise<Verdict> {
  // one that could not be read, and passes all the same, has no tensors to look at
  if (verdict.effect === 'deny' || question === null || each.every(({ opaque }) => opaque)) return verdict;
  if (question === 'unseen') return denied(call, verdict, UNSEEN);
  const misfit = (sets: InputSets): string | null =>
    each.map(({ tensors }) => tensorMisfit(tensors, sets, bytes)).find((why) => why !== null) ?? null;
  if (misfit(await cache.get(question.key, question.ask)) === null) return verdict;
  // the model may be another one by now
  const why = misfit(await cache.get(question.key, question.ask, true));
  return why === null ? verdict : denied(call, verdict, `The tensors are not what the model takes: ${why}.`);
}

function denied({ accepted }: CallState, verdict: Verdict, message: string): Verdict {
  const rule = `${accepted.served.config.name}.tensors`;
  return { effect: 'deny', reason: 'policy-denied', rule, message, mask: verdict.mask };
}
