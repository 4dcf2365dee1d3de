import { describe, expect, test } from 'vitest';
import { checkpointText, openCheckpoint, parseCheckpoint } from './checkpoint.ts';
import { Malformed } from './malformed.ts';
import { signNote } from './note.ts';
import { generateSigner, parseSigner } from './note-key.ts';

const ROOT = 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=';
// The example of C2SP tlog-checkpoint.
const TEXT = `example.com/behind-the-sofa\n20852163\n${ROOT}\n`;

describe('a checkpoint', () => {
  test('reads and writes the text of the specification', () => {
    const checkpoint = parseCheckpoint(TEXT);
    expect(checkpoint).toMatchObject({ origin: 'example.com/behind-the-sofa', size: 20_852_163 });
    expect(checkpoint.root.toBase64()).toBe(ROOT);
    expect(checkpointText(checkpoint)).toBe(TEXT);
  });

  test.each([
    ['no origin', `\n1\n${ROOT}\n`],
    ['a leading zero', `a\n01\n${ROOT}\n`],
    ['a sign', `a\n+1\n${ROOT}\n`],
    ['a negative size', `a\n-1\n${ROOT}\n`],
    ['an exponent', `a\n1e3\n${ROOT}\n`],
    ['a size in hexadecimal', `a\n0x10\n${ROOT}\n`],
    ['no size', `a\n\n${ROOT}\n`],
    ['a size that would be rounded', `a\n9007199254740993\n${ROOT}\n`],
    ['a size beyond the exact numbers', `a\n9007199254740992\n${ROOT}\n`],
    ['a short root', 'a\n1\nCsUYapGGPo4dkMgIAUqomw==\n'],
    ['a root with white space', `a\n1\n ${ROOT}\n`],
    ['an extension line', `a\n1\n${ROOT}\nmore\n`],
    ['no newline at the end', `a\n1\n${ROOT}`],
    ['two lines', 'a\n1\n'],
  ])('with %s is refused', (_, text) => expect(() => parseCheckpoint(text)).toThrow(Malformed));

  test('of another log is refused, though the key has signed it', () => {
    const signer = parseSigner(generateSigner('example.com/log'));
    const note = new TextEncoder().encode(signNote(TEXT, [signer]));
    expect(openCheckpoint(note, [signer.verifier], 'example.com/behind-the-sofa').size).toBe(20_852_163);
    expect(() => openCheckpoint(note, [signer.verifier], 'example.com/log')).toThrow(
      'a checkpoint of the log "example.com/behind-the-sofa", not "example.com/log"',
    );
  });
});
