/**
 * Walks over a message and replaces values of it. Reading is the same walk with nothing replaced, so that what was
 * inspected and what is masked are the same places (promise 2). What is not replaced stays byte for byte.
 */

import type { JsonStep } from '../../call.ts';
import { FieldReader, packedIntegers, varint, WIRE, WireError } from './protobuf.ts';
import { type FieldPlan, isPackable, type MessagePlan, WIRE_OF } from './protobuf-plan.ts';

/** One value that may hold text. `unknown`: the plan has no such field, and what its bytes mean nobody knows. */
export interface Leaf {
  readonly kind: 'string' | 'bytes' | 'unknown';
  /** Names of the fields, and positions in repeated ones. Reused: copy it to keep it. */
  readonly path: readonly JsonStep[];
  readonly bytes: Buffer;
}

/** Sees the values of a message in their order. */
export interface Visitor {
  /** Returns what stands for the value; null when it stays. */
  leaf(leaf: Leaf): Buffer | null;
  /** Sees a number: the value of a varint field. Reading only. */
  number?(path: readonly JsonStep[], value: bigint): void;
}

const DEEPEST = 100;

/**
 * Returns the message with its leaves replaced; the very same buffer when none was. Throws WireError for what is no
 * message of this plan: another wire type than the plan's, or a singular value that comes twice, of which readers may
 * take either.
 */
export const editMessage = (bytes: Buffer, plan: MessagePlan, visitor: Visitor): Buffer =>
  new Walk(visitor).message(bytes, plan);

class Walk {
  private readonly visitor: Visitor;
  private readonly path: JsonStep[] = [];

  constructor(visitor: Visitor) {
    this.visitor = visitor;
  }

  message(bytes: Buffer, plan: MessagePlan): Buffer {
    if (this.path.length > DEEPEST) throw new WireError(`messages nested at most ${DEEPEST} deep`);
    const reader = new FieldReader(bytes);
    const counts = new Map<number, number>();
    const pieces: Buffer[] = [];
    let kept = 0;
    while (reader.next()) {
      const replaced = this.field(reader, plan.fields.get(reader.no), counts);
      if (replaced === null) continue;
      pieces.push(bytes.subarray(kept, reader.start), tagOf(reader), varint(replaced.length), replaced);
      kept = reader.to;
    }
    return kept === 0 ? bytes : Buffer.concat([...pieces, bytes.subarray(kept)]);
  }

  /** Returns what stands for the value of the field; null when it stays. */
  private field(reader: FieldReader, plan: FieldPlan | undefined, counts: Map<number, number>): Buffer | null {
    const depth = this.path.length;
    if (plan === undefined) {
      if (reader.wire !== WIRE.length) return null;
      this.path.push(`#${reader.no}`);
    } else {
      const count = counts.get(reader.no) ?? 0;
      counts.set(reader.no, count + 1);
      if (!plan.repeated && count > 0) throw new WireError(`${plan.name} once`);
      this.path.push(plan.name);
      if (plan.repeated) this.path.push(count);
    }
    const replaced = this.value(reader, plan);
    this.path.length = depth;
    return replaced;
  }

  private value(reader: FieldReader, plan: FieldPlan | undefined): Buffer | null {
    if (plan === undefined) return this.visitor.leaf({ kind: 'unknown', path: this.path, bytes: reader.value() });
    if (reader.wire !== WIRE_OF[plan.type]) {
      if (reader.wire === WIRE.length && isPackable(plan)) return this.packed(reader, plan);
      throw new WireError(`${plan.name} as ${plan.type}`);
    }
    if (plan.type === 'varint') this.visitor.number?.(this.path, reader.integer());
    if (reader.wire !== WIRE.length) return null;
    const value = reader.value();
    if (plan.message !== null) {
      const edited = this.message(value, plan.message());
      return edited === value ? null : edited;
    }
    return this.visitor.leaf({ kind: plan.type === 'string' ? 'string' : 'bytes', path: this.path, bytes: value });
  }

  private packed(reader: FieldReader, plan: FieldPlan): null {
    if (plan.type !== 'varint' || this.visitor.number === undefined) return null;
    for (const value of packedIntegers(reader.value())) this.visitor.number(this.path, value);
    return null;
  }
}

const tagOf = ({ no, wire }: FieldReader): Buffer => varint(no * 8 + wire);
