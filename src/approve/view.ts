/**
 * Shows an approver what a call would send: every member and every text out of the very bytes, with nothing in them that
 * can hide a part, turn the order of letters around, or act on a terminal.
 */

import { MAX_DEPTH } from '../protocol/json/json.ts';
import { buildJson } from '../protocol/json/json-build.ts';

/** What an approver sees. */
export interface BodyView {
  readonly lines: readonly string[];
  /** True when not everything is shown. The lines say where. */
  readonly truncated: boolean;
  /** How many characters that would be invisible or misleading are shown by their code points. */
  readonly marked: number;
}

/** How much is shown, in UTF-16 units. */
export interface ViewLimits {
  readonly text: number;
  readonly whole: number;
}

/** Some screens; a prompt that is longer is asked for in full. */
export const SHORT: ViewLimits = { text: 4_000, whole: 40_000 };
/** Everything. */
export const FULL: ViewLimits = { text: Infinity, whole: Infinity };

/**
 * What cannot be seen or deceives: controls (escape sequences begin there), format characters (bidirectional controls,
 * CVE-2021-42574; zero-width ones; tags), lone surrogates, separators, everything that Unicode says to draw as nothing
 * (fillers; variation selectors, which carry text unseen) and the empty Braille cell. Line feeds and tabs are laid out;
 * one variation selector behind a pictograph is how emoji are written.
 */
const DECEPTIVE =
  /(?!\n|\t|\ufe0e|\ufe0f)[\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\u2028\u2029\u2800]|(?<!\p{Extended_Pictographic})(?:\ufe0e|\ufe0f)/gu;

const LONG_GAP = / {40,}|\t{10,}/g;
const INDENT = '  ';

/** Returns what an approver sees of the bytes to forward. */
export const viewBody = (bytes: Uint8Array | null, limits: ViewLimits = SHORT): BodyView => {
  const writer = createWriter(limits);
  if (bytes === null || bytes.length === 0) writer.line('no body');
  else writeBytes(writer, bytes);
  return writer.view();
};

const createWriter = ({ text: perText, whole }: ViewLimits) => {
  const lines: string[] = [];
  let left = whole;
  let truncated = false;
  let marked = 0;

  const visible = (text: string): string =>
    text
      .replace(DECEPTIVE, (char) => {
        marked++;
        return `⟨U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`;
      })
      .replace(LONG_GAP, (gap) => `⟨${gap.length} ${gap.startsWith(' ') ? 'spaces' : 'tabs'}⟩`);

  return {
    /** Writes one line, unless the view is full. */
    line(text: string): void {
      if (left <= 0) {
        truncated = true;
        return;
      }
      left -= text.length + 1;
      lines.push(visible(text));
    },
    /** Returns what of a text fits, and notes it when that is not all. */
    fitting(text: string): { readonly shown: string; readonly more: number } {
      const room = Math.max(0, Math.min(perText, left));
      if (text.length <= room) return { shown: text, more: 0 };
      truncated = true;
      return { shown: text.slice(0, room), more: text.length - room };
    },
    notAll(): void {
      truncated = true;
    },
    view(): BodyView {
      const rest = truncated ? ['⟨not everything is shown⟩'] : [];
      return { lines: [...lines, ...rest], truncated, marked };
    },
  };
};

type Writer = ReturnType<typeof createWriter>;

const HEX_SHOWN = 256;

const writeBytes = (writer: Writer, bytes: Uint8Array): void => {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    writer.line(`${bytes.length} bytes that are not text, in hex:`);
    writer.line(Buffer.from(bytes.subarray(0, HEX_SHOWN)).toString('hex'));
    if (bytes.length > HEX_SHOWN) writer.notAll();
    return;
  }
  const json = readJson(text);
  if (json === null) writeText(writer, 'text', text);
  else writeValue(writer, '', json);
};

/** A number as it is written: reading it as a double could show another one. */
class Digits {
  readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
}

/** Returns what an exact reading of a text yields, null for a text that is no JSON or has more than one reading. */
const readJson = (text: string): { readonly value: unknown } | null => {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  // not what JSON.parse returns: it can misread a name that is spelled with escapes (json/json-build.ts)
  const built = buildJson(text, MAX_DEPTH, (source) => new Digits(source));
  return built.kind === 'value' ? built : null;
};

const writeValue = (writer: Writer, path: string, { value }: { readonly value: unknown }): void => {
  if (typeof value === 'string') return writeText(writer, path, value);
  if (value instanceof Digits) return writer.line(`${path}: ${value.source}`);
  if (typeof value !== 'object' || value === null) return writer.line(`${path}: ${String(value)}`);
  const isList = Array.isArray(value);
  const members = Object.entries(value);
  if (members.length === 0) return writer.line(`${path}: ${isList ? '[]' : '{}'}`);
  for (const [name, member] of members)
    writeValue(writer, isList ? `${path}[${name}]` : memberPath(path, name), { value: member });
  return undefined;
};

const memberPath = (path: string, name: string): string => {
  const written = /^[A-Za-z_][\w-]{0,80}$/.test(name) ? name : JSON.stringify(name);
  return path === '' ? written : `${path}.${written}`;
};

const writeText = (writer: Writer, path: string, text: string): void => {
  const { shown, more } = writer.fitting(text);
  const lines = shown.split('\n');
  if (lines.length === 1 && more === 0) return writer.line(`${path}: "${shown}"`);
  writer.line(`${path}:`);
  let empty = 0;
  for (const line of [...lines, null]) {
    if (line?.trim() === '') {
      empty++;
      continue;
    }
    // A text cannot scroll a part of itself out of sight.
    if (empty > 3) writer.line(`${INDENT}⟨${empty} empty lines⟩`);
    else for (; empty > 0; empty--) writer.line(INDENT);
    empty = 0;
    if (line !== null) writer.line(`${INDENT}${line}`);
  }
  if (more > 0) writer.line(`${INDENT}⟨${more} more characters⟩`);
};
