/** What of a payload costs a look of its own: made when it is first read, so that a call of which nobody asks pays nothing. */

import type { CloserLook, Injection, Text, ToolCall, Trip } from '../call.ts';
import type { Codec } from '../protocol/codec.ts';
import type { Asked } from '../protocol/content.ts';
import { callTexts } from '../tripwire/call-texts.ts';
import { findCommands } from '../tripwire/commands.ts';
import { findInjection, injectionOf } from '../tripwire/injection.ts';

/** How the members of a look are made. */
interface Making {
  readonly toolCalls: () => readonly ToolCall[];
  readonly commands: () => readonly Trip[];
  readonly injection: () => Injection;
}

/** Returns a look whose members are made when they are read, once. */
const lazy = (make: Making): CloserLook => {
  const made: { toolCalls?: readonly ToolCall[]; commands?: readonly Trip[]; injection?: Injection } = {};
  return {
    get toolCalls() {
      return (made.toolCalls ??= make.toolCalls());
    },
    get commands() {
      return (made.commands ??= make.commands());
    },
    get injection() {
      return (made.injection ??= make.injection());
    },
    looked() {
      const { commands, injection } = made;
      return { ...(commands === undefined ? {} : { commands }), ...(injection === undefined ? {} : { injection }) };
    },
  };
};

/** What has tripped a wire has tripped it: more are not told. */
const MOST = 64;

const placeOf = (role: string): string => (role === '' ? 'text' : role);

const commandsIn = (texts: readonly Text[], calls: readonly ToolCall[]): readonly Trip[] =>
  [
    ...calls.flatMap((call) => callTexts(call).flatMap((text) => findCommands(text, 'tool_call'))),
    ...texts.flatMap(({ text, role }) => findCommands(text, placeOf(role))),
  ].slice(0, MOST);

/** Returns the closer look at texts, and at the calls of tools that `toolCalls` finds. */
export const lookAt = (texts: readonly Text[], toolCalls: () => readonly ToolCall[] = () => []): CloserLook => {
  const look: CloserLook = lazy({
    toolCalls,
    commands: () => commandsIn(texts, look.toolCalls),
    injection: () => findInjection(texts.map(({ text, role }) => ({ text, place: placeOf(role) }))),
  });
  return look;
};

/** Returns the closer look at one operation. */
export const lookCloser = ({ operation, document, reading }: Asked, codec: Codec): CloserLook =>
  lookAt(reading.texts, () => codec.toolCalls?.(operation)?.whole(document) ?? []);

/** Returns the closer look at a call of several operations. */
export const closerTogether = (each: readonly CloserLook[]): CloserLook =>
  lazy({
    toolCalls: () => each.flatMap(({ toolCalls }) => toolCalls),
    commands: () => each.flatMap(({ commands }) => commands).slice(0, MOST),
    injection: () => injectionOf(each.flatMap(({ injection }) => injection.evidence).slice(0, MOST)),
  });
