/** What of a payload costs a look of its own: made when it is first read, so that a call of which nobody asks pays nothing. */

import type { CloserLook, Injection, Text, ToolCall, Trip } from '../call.ts';
import type { Codec } from '../protocol/codec.ts';
import type { Asked } from '../protocol/content.ts';
import { callTexts } from '../tripwire/call-texts.ts';
import { findCommands } from '../tripwire/commands.ts';
import { findingInjection, injectionOf } from '../tripwire/injection.ts';
import { type Digest, inSlices, withDigests } from '../tripwire/wire.ts';
import { atOnce } from '../turns.ts';

/** What rules read of a closer look, so that it is made while the payload is inspected, in turns. */
export interface Looks {
  readonly commands: boolean;
  readonly injection: boolean;
}

/** No rule reads any of it. */
export const NO_LOOKS: Looks = { commands: false, injection: false };

/** How the members of a look are made. */
interface Making {
  readonly toolCalls: () => readonly ToolCall[];
  readonly commands: () => Generator<void, readonly Trip[]>;
  readonly injection: () => Generator<void, Injection>;
  /** UTF-16 units of all texts. */
  readonly units: number;
}

/** More than this is long. */
const LONG = 64 * 1024;

/** A look whose members are made ahead, or else when they are read; once. */
export interface LazyLook extends CloserLook {
  /**
   * Yields whenever somebody else may have a turn, and makes what rules read of texts that are long. Of short ones it is
   * made when it is read: a rule that is about another service never gets there.
   */
  prepare(looks: Looks): Generator<void, void>;
}

const lazy = (make: Making): LazyLook => {
  const made: { toolCalls?: readonly ToolCall[]; commands?: readonly Trip[]; injection?: Injection } = {};
  return {
    get toolCalls() {
      return (made.toolCalls ??= make.toolCalls());
    },
    get commands() {
      return (made.commands ??= atOnce(make.commands()));
    },
    get injection() {
      return (made.injection ??= atOnce(make.injection()));
    },
    looked() {
      const { commands, injection } = made;
      return { ...(commands === undefined ? {} : { commands }), ...(injection === undefined ? {} : { injection }) };
    },
    *prepare(looks) {
      if (make.units <= LONG) return;
      if (looks.commands) made.commands = yield* make.commands();
      if (looks.injection) made.injection = yield* make.injection();
    },
  };
};

/** What has tripped a wire has tripped it: more are not told. */
const MOST = 64;

const placeOf = (role: string): string => (role === '' ? 'text' : role);

function* commandsIn(
  texts: readonly Text[],
  calls: readonly ToolCall[],
  digest: Digest | undefined,
): Generator<void, readonly Trip[]> {
  const placed = [
    ...calls.flatMap((call) => callTexts(call).map((text) => ({ text, place: 'tool_call' }))),
    ...texts.map(({ text, role }) => ({ text, place: placeOf(role) })),
  ];
  const trips: Trip[] = [];
  for (const { text, place } of placed) {
    trips.push(...(yield* inSlices(text, (slice) => withDigests(findCommands(slice, place), slice, digest))));
    if (trips.length >= MOST) break;
    yield;
  }
  return trips.slice(0, MOST);
}

/** Returns the closer look at texts, and at the calls of tools that `toolCalls` finds. `digest`: of what trips the wires. */
export const lookAt = (
  texts: readonly Text[],
  toolCalls: () => readonly ToolCall[] = () => [],
  digest?: Digest,
): LazyLook => {
  const look: LazyLook = lazy({
    toolCalls,
    commands: () => commandsIn(texts, look.toolCalls, digest),
    units: texts.reduce((sum, { text }) => sum + text.length, 0),
    injection: () =>
      findingInjection(
        texts.map(({ text, role }) => ({ text, place: placeOf(role) })),
        digest,
      ),
  });
  return look;
};

/** Returns the closer look at one operation. */
export const lookCloser = ({ operation, document, reading }: Asked, codec: Codec, digest?: Digest): LazyLook =>
  lookAt(reading.texts, () => codec.toolCalls?.(operation)?.whole(document) ?? [], digest);

/** Made of others, in no time. */
function* settled<T>(value: () => T): Generator<void, T> {
  yield;
  return value();
}

/** Returns the closer look at a call of several operations. */
export const closerTogether = (each: readonly CloserLook[]): CloserLook =>
  lazy({
    units: 0,
    toolCalls: () => each.flatMap(({ toolCalls }) => toolCalls),
    commands: () => settled(() => each.flatMap(({ commands }) => commands).slice(0, MOST)),
    injection: () => settled(() => injectionOf(each.flatMap(({ injection }) => injection.evidence).slice(0, MOST))),
  });
