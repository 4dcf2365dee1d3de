/** gRPC methods whose messages are known by descriptors: every string is text, settings are read under their usual names. */

import { NOTHING_ASKED } from '../content.ts';
import type { JsonStep, RequestReading, Text } from '../../call.ts';
import {
  type EditText,
  type GrpcMethod,
  type MessageCodec,
  operationOf,
  type RequestCodec,
  type Streams,
} from './codec.ts';
import { editLeaf, textOf } from './text.ts';
import { LIMIT_NAMES } from '../numbers.ts';
import { WireError } from './protobuf.ts';
import { editMessage, type Leaf } from './protobuf-edit.ts';
import type { MessagePlan } from './protobuf-plan.ts';
import { looksLikeData } from '../strings.ts';

/** Returns true for the place of a value. */
export type IsPlace = (path: readonly JsonStep[]) => boolean;

/** What a protocol knows about the places of its values. */
export interface Places {
  /** The value names something; where it looks like it, it is no text. */
  readonly isName: IsPlace;
  /** The value is the name of the model. */
  readonly isModel: IsPlace;
}

/** Where services put the name of the model. */
const MODEL_PLACES: ReadonlySet<string> = new Set(['model', 'model_name', 'model_id', 'model_spec.name']);
const isUsualModel: IsPlace = (path) => MODEL_PLACES.has(path.join('.'));
const USUAL: Places = { isName: isUsualModel, isModel: isUsualModel };

/** Returns what stands for a value, text or not; null when it stays. */
export const editText = (leaf: Leaf, { isName }: Places, edit: EditText): Buffer | null =>
  editLeaf(leaf, (text) => (isName(leaf.path) && looksLikeData(text) ? text : edit(text, leaf.path)));

/** Returns the codec of messages of this plan. */
const plannedMessage = (plan: MessagePlan, places: Places = USUAL): MessageCodec => ({
  edit: (bytes, edit) => editMessage(bytes, plan, { leaf: (leaf) => editText(leaf, places, edit) }),
});

/** What collects a reading while a message is walked over. */
export class Reading {
  private readonly places: Places;
  private readonly texts: Text[] = [];
  private model: string | null = null;
  private maxTokens: number | null = null;
  private files = 0;

  constructor(places: Places) {
    this.places = places;
  }

  /** Takes note of a value. Throws WireError for a second name of the model that differs. */
  leaf(leaf: Leaf): null {
    const found = textOf(leaf);
    if (found === null) {
      if (leaf.bytes.length > 0) this.files++;
      return null;
    }
    const { text } = found;
    if (this.places.isModel(leaf.path)) {
      if (this.model !== null && this.model !== text) throw new WireError('one model');
      this.model = text;
    }
    if (this.places.isName(leaf.path) && looksLikeData(text)) return null;
    this.texts.push({ path: [...leaf.path], text, role: '' });
    return null;
  }

  /** Takes note of a number that may be an output limit; the largest counts. */
  limit(name: JsonStep | undefined, value: bigint): void {
    if (typeof name !== 'string' || !LIMIT_NAMES.includes(name)) return;
    const bounded = value < 0n || value > MOST ? Number.MAX_SAFE_INTEGER : Number(value);
    this.maxTokens = Math.max(this.maxTokens ?? 0, bounded);
  }

  done(): RequestReading {
    const { model, maxTokens, texts, files } = this;
    return { ...NOTHING_ASKED, model: model ?? '', maxTokens, texts, files };
  }
}

const MOST = BigInt(Number.MAX_SAFE_INTEGER);

/** Returns the codec of requests of this plan. */
const plannedRequest = (plan: MessagePlan, places: Places = USUAL): RequestCodec => ({
  ...plannedMessage(plan, places),
  read(bytes) {
    const reading = new Reading(places);
    editMessage(bytes, plan, {
      leaf: (leaf) => reading.leaf(leaf),
      number: (path, value) => reading.limit(path.at(-1), value),
    });
    return reading.done();
  },
});

/** Returns a method with messages of these plans. */
export const plannedMethod = (
  operation: string,
  streams: Streams,
  request: MessagePlan,
  answer: MessagePlan,
  options: { readonly management?: boolean; readonly places?: Places } = {},
): GrpcMethod => ({
  operation: operationOf(operation, options.management),
  streams,
  request: plannedRequest(request, options.places),
  answer: plannedMessage(answer, options.places),
});
