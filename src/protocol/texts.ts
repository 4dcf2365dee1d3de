/** Collecting what a request says: every string that is not known to be something else is a text. */

import type { JsonStep, Text } from '../call.ts';
import { textsInBase64 } from './bytes-text.ts';
import type { StringKind } from './codec.ts';
import { isPlainWord } from './strings.ts';
import { isObject, itemsOf, type JsonObject } from './value.ts';

/** What attached parts there are. */
export type Attachment = 'images' | 'audios' | 'files';

/** What a protocol knows about the places of its requests. Paths are reused: copy one to keep it. */
export interface TextRules {
  kind(path: readonly JsonStep[], text: string, document: unknown): StringKind;
  /** Returns the role of everything in the value at `path`, given the role around it. */
  role(path: readonly JsonStep[], value: unknown, around: string): string;
  /** Returns what an object attaches, or null. */
  attachment(path: readonly JsonStep[], object: JsonObject): Attachment | null;
  /** Returns true where an array of numbers is a text in token ids. */
  holdsTokenIds(path: readonly JsonStep[]): boolean;
}

/** What was collected. */
export interface Collected {
  readonly texts: readonly Text[];
  readonly images: number;
  readonly audios: number;
  readonly files: number;
  readonly tokenIds: number;
}

/** Members whose value is one word of the protocol, where it is a word. */
const WORDS: ReadonlySet<string> = new Set(['type', 'role', 'detail', 'status', 'object', 'format', 'mode']);

class Collector {
  readonly texts: Text[] = [];
  readonly attached = { images: 0, audios: 0, files: 0 };
  tokenIds = 0;
  private readonly path: JsonStep[] = [];
  private readonly document: unknown;
  private readonly rules: TextRules;

  constructor(document: unknown, rules: TextRules) {
    this.document = document;
    this.rules = rules;
  }

  walk(value: unknown, around: string): void {
    if (typeof value !== 'string' && typeof value !== 'object') return;
    const role = this.rules.role(this.path, value, around);
    if (typeof value === 'string') this.string(value, role);
    else if (isObject(value)) this.object(value, role);
    else this.array(itemsOf(value), role);
  }

  private string(text: string, role: string): void {
    if (text === '') return;
    const last = this.path.at(-1);
    if (typeof last === 'string' && WORDS.has(last) && isPlainWord(text)) return;
    const kind = this.rules.kind(this.path, text, this.document);
    if (kind === 'data') return;
    for (const said of kind === 'base64' ? textsInBase64(text) : [text])
      this.texts.push({ path: [...this.path], text: said, role });
  }

  private array(items: readonly unknown[], role: string): void {
    let numbers = 0;
    const depth = this.path.length;
    for (let i = 0; i < items.length; i++) {
      const item = items[i];
      if (typeof item === 'number') {
        numbers++;
        continue;
      }
      this.path[depth] = i;
      this.walk(item, role);
    }
    this.path.length = depth;
    if (numbers > 0 && this.rules.holdsTokenIds(this.path)) this.tokenIds += numbers;
  }

  private object(object: JsonObject, role: string): void {
    const attachment = this.rules.attachment(this.path, object);
    if (attachment !== null) this.attached[attachment]++;
    const depth = this.path.length;
    for (const name in object) {
      this.path[depth] = name;
      // A name that is more than a word can carry text as well as any string.
      if (!isPlainWord(name) && name !== '') this.texts.push({ path: [...this.path], text: name, role });
      this.walk(object[name], role);
    }
    this.path.length = depth;
  }
}

/** Returns the texts of a request in the order of its members, and counts of what is not text. */
export const collectTexts = (document: unknown, rules: TextRules): Collected => {
  const collector = new Collector(document, rules);
  collector.walk(document, '');
  return { texts: collector.texts, ...collector.attached, tokenIds: collector.tokenIds };
};
