/** Which field lines cross the gateway, in each direction. */

/** RFC 9110 §7.6.1 and RFC 9112: these speak about one hop only. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Fields in which some servers and frameworks look for another method, target, host or client than those of the request
 * itself: what was decided on would not be what is done.
 */
export const SPEAKS_OF_ANOTHER: ReadonlySet<string> = new Set([
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-method',
  'x-original-url',
  'x-original-uri',
  'x-original-host',
  'x-rewrite-url',
  'x-host',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-forwarded',
  'true-client-ip',
  'cf-connecting-ip',
]);

/** Spoken to the gateway, or about the client by someone whom we do not trust. */
const FOR_THE_GATEWAY: ReadonlySet<string> = new Set([
  'expect',
  'host',
  'content-length',
  'cookie',
  'forwarded',
  'prefer',
  ...SPEAKS_OF_ANOTHER,
]);

/** What has an answer come in another form than whole and as it is. */
const IN_PARTS: ReadonlySet<string> = new Set(['accept-encoding', 'range', 'if-range']);

const isOurs = (name: string): boolean => name.startsWith('sallyport-');
const isForwarded = (name: string): boolean => name.startsWith('x-forwarded-');
const isCloudCredential = (name: string): boolean => name.startsWith('x-amz-') || name.startsWith('x-goog-');

/** Returns the names that `Connection` lists: each is for this hop only (RFC 9110 §7.6.1). */
function nominated(raw: readonly string[]): ReadonlySet<string> {
  let names: Set<string> | null = null;
  for (let at = 0; at < raw.length; at += 2) {
    if (raw[at]?.length !== 10 || raw[at]?.toLowerCase() !== 'connection') continue;
    for (const name of (raw[at + 1] ?? '').split(',')) (names ??= new Set()).add(name.trim().toLowerCase());
  }
  return names ?? NONE;
}
const NONE: ReadonlySet<string> = new Set();

/** What is decided about the upstream's request once, at load. */
export interface UpstreamFields {
  /** `host[:port]` of the upstream. */
  readonly host: string;
  /** Name and value of the credential that the gateway presents; empty for none. */
  readonly credential: readonly string[];
  /** Headers that may hold a caller's credential: none of them goes upstream (promise 8). */
  readonly callerCredentials: ReadonlySet<string>;
}

/**
 * Returns the field lines of the request to the upstream, case and order kept: hop-by-hop and Connection-nominated
 * lines are dropped first and ours are added after, so that a caller cannot nominate ours for deletion.
 * `identity` asks for an uncoded answer, and for all of it, for a call whose answer will be looked into: what stands
 * across the ends of two parts would be seen in neither (RFC 9110 §14.2: a server may ignore Range).
 */
export function requestFields(
  raw: readonly string[],
  to: UpstreamFields,
  bodyBytes: number | null,
  identity: boolean,
): string[] {
  const dropped = nominated(raw);
  const fields = ['Host', to.host];
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] ?? '';
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || FOR_THE_GATEWAY.has(lower) || to.callerCredentials.has(lower)) continue;
    if (isOurs(lower) || isForwarded(lower) || isCloudCredential(lower) || dropped.has(lower)) continue;
    if (identity && IN_PARTS.has(lower)) continue;
    fields.push(name, raw[at + 1] ?? '');
  }
  if (identity) fields.push('Accept-Encoding', 'identity');
  if (bodyBytes !== null) fields.push('Content-Length', String(bodyBytes));
  fields.push(...to.credential);
  return fields;
}

/** Returns the lines with the values of `fields` in place of their own, names compared without case. */
export function replaceFields(raw: readonly string[], fields: readonly string[]): readonly string[] {
  if (fields.length === 0) return raw;
  const values = new Map<string, string>();
  for (let at = 0; at < fields.length; at += 2) values.set((fields[at] ?? '').toLowerCase(), fields[at + 1] ?? '');
  return raw.map((part, at) => (at % 2 === 0 ? part : (values.get((raw[at - 1] ?? '').toLowerCase()) ?? part)));
}

/** Field lines that describe bytes which masking has changed. */
const DESCRIBES_BYTES: ReadonlySet<string> = new Set([
  'content-length',
  'etag',
  'content-md5',
  'digest',
  'content-digest',
  'repr-digest',
  'accept-ranges',
]);

/**
 * Returns the field lines of the answer to the caller, case and order kept. `edited` drops those that described the
 * upstream's bytes. Values that hold the upstream's credential are dropped with their line (promise 8).
 */
export function answerFields(raw: readonly string[], session: string, edited: boolean, secret: string): string[] {
  return [...keptFields(raw, edited, secret), 'sallyport-session', session];
}

/**
 * Returns the field lines of an interim head to the caller, by the rules of the answer's own. It has no content, so that
 * nothing in it describes any (RFC 9110 §8.6).
 */
export const interimFields = (raw: readonly string[], secret: string): string[] => keptFields(raw, true, secret);

function keptFields(raw: readonly string[], edited: boolean, secret: string): string[] {
  const dropped = nominated(raw);
  const fields: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] ?? '';
    const value = raw[at + 1] ?? '';
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || isOurs(lower) || dropped.has(lower)) continue;
    if (edited && DESCRIBES_BYTES.has(lower)) continue;
    if (tells(lower, value, secret)) continue;
    fields.push(name, value);
  }
  return fields;
}

/** Returns the trailer lines of the answer to the caller, by the same rules as its head; empty for an answer without. */
export function trailerFields(raw: readonly string[], secret: string): readonly string[] {
  if (raw.length === 0) return raw;
  return raw.flatMap((name, at) => {
    const value = raw[at + 1] ?? '';
    const lower = name.toLowerCase();
    if (at % 2 === 1 || HOP_BY_HOP.has(lower) || isOurs(lower)) return [];
    return tells(lower, value, secret) ? [] : [name, value];
  });
}

/** Whether a line holds the secret, as it is, percent-escaped (a redirect), or in binary metadata of gRPC. */
function tells(name: string, value: string, secret: string): boolean {
  if (secret === '') return false;
  if (value.includes(secret)) return true;
  if (value.includes('%') && percentDecoded(value).includes(secret)) return true;
  return name.endsWith('-bin') && value.split(',').some((part) => Buffer.from(part, 'base64').includes(secret));
}

/** Returns a text with its escapes of ASCII decoded; all others stay. */
const percentDecoded = (text: string): string =>
  text.replaceAll(/%([0-7][0-9A-Fa-f])/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** Returns the last value of a field among raw lines, or an empty string. `name` is lower-case. */
export function fieldValue(raw: readonly string[], name: string): string {
  for (let at = raw.length - 2; at >= 0; at -= 2) {
    if (raw[at]?.length === name.length && raw[at]?.toLowerCase() === name) return raw[at + 1] ?? '';
  }
  return '';
}

/** Returns how the bytes of an answer are coded, by its content or by its transfer (RFC 9112 §6.1); '' for as they are. */
export function codingOf(raw: readonly string[]): string {
  const content = fieldValue(raw, 'content-encoding');
  if (content !== '') return content;
  const transfer = fieldValue(raw, 'transfer-encoding');
  return transfer.toLowerCase() === 'chunked' ? '' : transfer;
}

/** Returns true for a coding that changes the bytes. */
export const isCoded = (coding: string): boolean => coding !== '' && coding.toLowerCase() !== 'identity';
