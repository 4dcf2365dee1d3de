/** MCP: the request that is a call of a tool. (modelcontextprotocol, docs/specification, server/tools) */

import type { CallReading } from '../codec.ts';
import { callIn, NO_CALLS } from '../tool-calls.ts';
import { member } from '../value.ts';

export const MCP_CALLS: CallReading = {
  whole: (message) =>
    member(message, 'method') === 'tools/call' ? [{ ...callIn(member(message, 'params')), made: true }] : [],
  event: () => NO_CALLS,
};
