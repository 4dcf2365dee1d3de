/**
 * The field lines of MCP that repeat what a message says. Whoever routes by them must not be told something else than
 * the server reads. (modelcontextprotocol, 2026-07-28, basic/transports/streamable-http, "Request Metadata")
 */

import { headField } from '../head-field.ts';
import { badMessage, type Message, subjectOf } from './message.ts';
import { member } from '../value.ts';

/** From this version on, the field lines are there, and repeat what the message says. */
const REPEATING = '2026-07-28';
const VERSION_META = 'io.modelcontextprotocol/protocolVersion';

/** The field lines that a mask may have to change with the message. */
export interface RepeatedFields {
  /** The value of Mcp-Name, decoded; null when there is none. */
  readonly name: string | null;
  /** Names of the lines Mcp-Param-*, as they came, and their values, decoded. */
  readonly params: readonly { readonly name: string; readonly value: string }[];
}

const PARAM = /^mcp-param-/i;
const ENCODED = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/;

/** Returns the value that a field line stands for. */
const decoded = (value: string): string => {
  const [, base64] = ENCODED.exec(value) ?? [];
  return base64 === undefined ? value : Buffer.from(base64, 'base64').toString('utf8');
};

/** Returns how a value is written in a field line: as it is where it can be, else in base64. */
export const fieldText = (value: string): string =>
  /^[\x21-\x7e]+(?:[ \t]+[\x21-\x7e]+)*$/.test(value) && !ENCODED.test(value)
    ? value
    : `=?base64?${Buffer.from(value).toString('base64')}?=`;

const paramsIn = (raw: readonly string[]): RepeatedFields['params'] => {
  const params: { name: string; value: string }[] = [];
  const seen = new Set<string>();
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] ?? '';
    if (!PARAM.test(name)) continue;
    if (seen.has(name.toLowerCase())) throw badMessage(`at most one line ${name}`);
    seen.add(name.toLowerCase());
    params.push({ name, value: decoded(raw[at + 1] ?? '') });
  }
  return params;
};

const mismatch = (name: string): Error => badMessage(`the header ${name} to say what the message says`);

/**
 * Returns the field lines that repeat what the messages say. Throws Failure `body-unreadable` when one of them says
 * something else, or is missing although the version asks for it.
 */
export const readHead = (raw: readonly string[], messages: readonly Message[]): RepeatedFields => {
  const version = headField(raw, 'mcp-protocol-version', 'body-unreadable');
  const method = headField(raw, 'mcp-method', 'body-unreadable');
  const name = headField(raw, 'mcp-name', 'body-unreadable');
  const params = paramsIn(raw);
  const repeats = version !== null && version >= REPEATING;
  const [message] = messages;
  const isOne = messages.length === 1 && message !== undefined && message.kind !== 'response';
  if (!isOne) {
    // one line cannot repeat several messages, nor an answer
    if (repeats) throw badMessage('one request or notification');
    if (method !== null || name !== null || params.length > 0) throw badMessage('no Mcp-Method, Mcp-Name or Mcp-Param');
    return { name: null, params };
  }
  const subject = subjectOf(message);
  const said = member(member(message.params, '_meta'), VERSION_META);
  if (said !== undefined && version !== null && said !== version) throw mismatch('MCP-Protocol-Version');
  if (method === null ? repeats : method !== message.method) throw mismatch('Mcp-Method');
  if (name === null ? repeats && subject !== null : decoded(name) !== subject) throw mismatch('Mcp-Name');
  return { name: name === null ? null : decoded(name), params };
};
