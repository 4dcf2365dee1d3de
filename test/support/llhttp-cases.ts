/** The cases of nodejs/llhttp's test documents as bytes. They are written in Markdown, with control characters spelled out. */

/** One case of a document. */
export interface LlhttpCase {
  readonly title: string;
  /** `request`, or with a lenient switch of the parser behind it that the gateway does not use. */
  readonly type: string;
  readonly bytes: Buffer;
  /** How many whole requests llhttp itself reads. */
  readonly whole: number;
}

const CASE = /<!-- meta=(\{[^\n]*\}) -->\s*\n```http\n([\s\S]*?)\n```\s*\n```log\n([\s\S]*?)\n```/g;

/** Returns the requests of a document, titled by the headings that they stand under. */
export function llhttpCases(document: string): readonly LlhttpCase[] {
  const found: LlhttpCase[] = [];
  for (const match of document.matchAll(CASE)) {
    const [, meta = '{}', text = '', log = ''] = match;
    const { type }: { readonly type?: string } = JSON.parse(meta);
    const title = document
      .slice(0, match.index)
      .match(/^#+ .*$/gm)
      ?.at(-1)
      ?.replace(/^#+ /, '');
    const whole = log.match(/message complete/g)?.length ?? 0;
    if (type?.startsWith('request') === true) found.push({ title: title ?? '', type, bytes: bytesOf(text), whole });
  }
  return found;
}

const bytesOf = (text: string): Buffer =>
  Buffer.from(
    text
      .replaceAll(/\\\n/g, '')
      .replaceAll('\n', '\r\n')
      .replaceAll('\\r', '\r')
      .replaceAll('\\n', '\n')
      .replaceAll('\\t', '\t')
      .replaceAll('\\f', '\f')
      .replaceAll(/\\x([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16))),
    'latin1',
  );
