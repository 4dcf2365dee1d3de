/** What of a payload costs a look of its own: made when it is first read, so that a call of which nobody asks pays nothing. */

import type { CloserLook, ToolCall } from '../call.ts';
import type { Codec } from '../protocol/codec.ts';
import type { Asked } from '../protocol/content.ts';

/** Returns what `make` makes, once. */
const once = <T>(make: () => T): (() => T) => {
  let made: { readonly is: T } | null = null;
  return () => (made ??= { is: make() }).is;
};

/** Returns a look whose members are made when they are read. */
const lazy = (make: { readonly toolCalls: () => readonly ToolCall[] }): CloserLook => {
  const toolCalls = once(make.toolCalls);
  return {
    get toolCalls() {
      return toolCalls();
    },
  };
};

/** Returns the closer look at one operation. */
export const lookCloser = ({ operation, document }: Asked, codec: Codec): CloserLook =>
  lazy({ toolCalls: () => codec.toolCalls?.(operation)?.whole(document) ?? [] });

/** Returns the closer look at a call of several operations. */
export const closerTogether = (each: readonly CloserLook[]): CloserLook =>
  lazy({ toolCalls: () => each.flatMap(({ toolCalls }) => toolCalls) });
