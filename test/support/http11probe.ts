/** The cases of MDA2AV/Http11Probe as bytes. Its list spells control characters out and abbreviates what is long. */

/** One case of the list. */
export interface ProbeCase {
  readonly id: string;
  /** In words, for example `400 or close`. */
  readonly expected: string;
  readonly requests: readonly string[];
}

const many = (count: number, line: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => line(at)).join('');

/** What the list abbreviates. */
const LONG: readonly (readonly [RegExp, (match: RegExpExecArray) => string])[] = [
  [
    /(.)\1*\.\.\.\{([\d,]+) [x×] '.'\}\.\.\./u,
    ([, letter = '', count = '']) => letter.repeat(Number(count.replaceAll(',', ''))),
  ],
  [/\.\.\. \(10,000 headers total\) \.\.\.\r\n/, () => many(9_996, (at) => `X-H-${at + 3}: value\r\n`)],
  [/k0=v0; k1=v1; \.\.\. k999=v999/, () => many(1_000, (at) => `${at === 0 ? '' : '; '}k${at}=v${at}`)],
  [/A+\.\.\. \(200 bytes\)/, () => 'A'.repeat(200)],
  [/big=A+\.\.\.A+/, () => `big=${'A'.repeat(64 * 1024)}`],
  [/\/a+\.\.\.a+ /, () => `/${'a'.repeat(8_000)} `],
  [/bytes=0-,0-,0-,\.\.\.\{1000 total\}\.\.\./, () => `bytes=${many(1_000, (at) => (at === 0 ? '0-' : ',0-'))}`],
];

/** Returns the bytes of a request as the list spells it; escapes become what they name, line breaks of the list itself go. */
export function probeBytes(spelled: string): Buffer {
  let text = spelled
    .replaceAll('\\r\\n\n', '\r\n')
    .replaceAll('\\r\\n', '\r\n')
    .replaceAll(/(?<!\r)\n/g, '')
    .replaceAll('\\n', '\n')
    .replaceAll('\\r', '\r')
    .replaceAll('\\t', '\t')
    .replaceAll('[TAB]', '\t')
    .replaceAll(/\\x([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))
    .replaceAll('\\0', '\0');
  for (const [pattern, expand] of LONG) {
    const match = pattern.exec(text);
    if (match !== null) text = text.replace(match[0], () => expand(match));
  }
  return Buffer.from(text, 'latin1');
}

/** Returns true when an outcome such as `400 bad-request, closed; upstream 0` is among those that the list's words allow. */
export function fits(expected: string, becomes: string): boolean {
  const [said = ''] = becomes.split(';');
  const statuses = [...said.matchAll(/\b([2-5]\d\d)\b/g)].map(([status]) => Number(status));
  const [status = 0] = statuses;
  if (/non-101|not 101|non-1xx|except 414|any response/i.test(expected)) return status >= 200 && status !== 414;
  if (expected === '2xx + 2xx') return statuses.length === 2 && statuses.every((each) => each === 200);
  if (new RegExp(`\\b${status}\\b`).test(expected)) return true;
  if (expected.includes('2xx') && status >= 200 && status < 300)
    return !expected.includes('closed') || said.includes('closed');
  if (expected.startsWith('Reject') && status >= 400) return true;
  if (expected.includes('timeout') && status === 408) return true;
  return /(?:or |, |\/)(?:connection )?close/.test(expected) && said.includes('closed');
}
