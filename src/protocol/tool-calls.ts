/** Tool calls: what a model asks its caller to do, put together out of whole documents and out of streams. */

import type { ToolCall } from '../call.ts';
import { Failure } from '../reasons.ts';
import type { CallEvent, CallPiece, CallReading } from './codec.ts';
import { parseJson } from './json/json.ts';
import { isObject, stringMember } from './value.ts';

/** An event that says nothing of tool calls. */
export const NO_CALLS: CallEvent = { pieces: [], ends: [] };

/** An event that ends every call. */
export const ALL_CALLS_END: CallEvent = { pieces: [], ends: [''] };

/** Longer arguments are not put together, in UTF-16 units. */
const LONGEST = 1024 ** 2;
/** The most calls of one answer or one connection: each costs memory. */
const MOST_CALLS = 4096;

const unreadable = (expected: string): Failure => new Failure('answer-unreadable', `expected ${expected}`);

/**
 * Returns arguments in JSON as a value. What is no JSON, or holds one name twice, has no single reading: it stays the
 * string that it is. Servers write nothing for no arguments.
 */
export const argumentsIn = (text: string): unknown => {
  if (text.trim() === '') return {};
  try {
    return parseJson(text, 'answer-unreadable', { loneSurrogates: 'keep' });
  } catch {
    return text;
  }
};

/** Returns the call whose arguments stand in `holder` as a JSON text, or as what the text would say. */
export const callIn = (holder: unknown, name = 'name', given = 'arguments'): ToolCall => {
  const found = isObject(holder) ? holder[given] : undefined;
  return {
    name: stringMember(holder, name),
    arguments: typeof found === 'string' ? argumentsIn(found) : (found ?? {}),
  };
};

/** Returns the calls as pieces that come whole. */
export const wholePieces = (calls: readonly ToolCall[]): readonly CallPiece[] =>
  calls.map(({ name, arguments: given }) => ({ kind: 'whole', call: null, name, arguments: given }));

/** A call that grows. */
interface Growing {
  name: string;
  text: string;
  ended: ToolCall | null;
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/**
 * Puts together the tool calls of one answer. A call is told only when it is complete; whoever acts on answers must not
 * see the end of a call before. Throws Failure `answer-unreadable` where two readers could take a call for two things.
 */
export class CallGatherer {
  /** The calls that are complete. */
  readonly calls: ToolCall[] = [];
  private readonly reading: CallReading;
  private readonly growing = new Map<string, Growing>();

  constructor(reading: CallReading) {
    this.reading = reading;
  }

  /** Names of the calls that are not complete; '' for one that has none yet. */
  get open(): readonly string[] {
    return this.growing.size === 0
      ? NONE
      : [...this.growing.values()].flatMap((g) => (g.ended === null ? [g.name] : []));
  }

  /** Reads a whole answer. */
  document(value: unknown): void {
    for (const call of this.reading.whole(value)) this.add(call);
  }

  /** Reads one event of a stream; returns false when it says nothing of calls. */
  event(event: string, value: unknown): boolean {
    const { pieces, ends } = this.reading.event(event, value);
    for (const piece of pieces) {
      if (piece.kind === 'grows') this.grow(piece);
      else this.whole(piece);
    }
    for (const prefix of ends) this.close(prefix);
    return pieces.length > 0 || ends.length > 0;
  }

  /** The stream is over, and every call with it. */
  end(): void {
    this.close('');
  }

  private add(call: ToolCall): ToolCall {
    if (this.calls.length >= MOST_CALLS) throw unreadable(`at most ${MOST_CALLS} tool calls`);
    this.calls.push(call);
    return call;
  }

  private grow({ call, name, text }: Extract<CallPiece, { kind: 'grows' }>): void {
    const known = this.growing.get(call) ?? this.begin(call);
    if (known.ended !== null) {
      if (name === '' && text === '') return;
      throw unreadable('a tool call to end where its stream says that it ends');
    }
    // Some servers say the name with every piece; of two names, clients take the last, or both in a row.
    if (name !== '' && known.name !== '' && name !== known.name) throw unreadable('a tool call to have one name');
    if (name !== '') known.name = name;
    known.text += text;
    if (known.text.length > LONGEST) throw unreadable(`arguments of at most ${LONGEST} characters`);
  }

  private begin(call: string): Growing {
    if (this.growing.size >= MOST_CALLS) throw unreadable(`at most ${MOST_CALLS} tool calls`);
    const begun: Growing = { name: '', text: '', ended: null };
    this.growing.set(call, begun);
    return begun;
  }

  private whole({ call, name, arguments: given }: Extract<CallPiece, { kind: 'whole' }>): void {
    const known = call === null ? undefined : this.growing.get(call);
    if (known === undefined) {
      const added = this.add({ name, arguments: given });
      if (call !== null) this.growing.set(call, { name, text: '', ended: added });
      return;
    }
    if (name !== '' && known.name !== '' && name !== known.name) throw unreadable('a tool call to have one name');
    if (known.name === '') known.name = name;
    if (known.ended === null && known.text === '') {
      known.ended = this.add({ name: known.name, arguments: given });
      return;
    }
    const said = known.ended?.arguments ?? argumentsIn(known.text);
    if (!isSame(said, given)) throw unreadable('the arguments of a tool call to be the same each time');
  }

  private close(prefix: string): void {
    for (const [call, growing] of this.growing) {
      if (growing.ended !== null || !call.startsWith(prefix)) continue;
      growing.ended = this.add({ name: growing.name, arguments: argumentsIn(growing.text) });
      growing.text = '';
    }
  }
}

const NONE: readonly string[] = [];
