/** Writes docs/detectors.md from the table of detectors. */

import { type Detector, entityOf } from '../src/detect/detector.ts';
import { ENTITIES } from '../src/detect/scanner.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|');

/** Returns what a kind is, from the first of its detectors that says so. */
const titleOf = (kind: string, detectors: readonly Detector[]): string =>
  detectors.find((detector) => detector.kind === kind && detector.title !== undefined)?.title ?? '';

const wordsOf = (entity: string, detectors: readonly Detector[]): string => {
  const own = detectors.filter(({ kind }) => entityOf(kind) === entity);
  const required = own.every(({ context }) => context?.required === true);
  return required ? 'yes' : own.some(({ context }) => context?.required === true) ? 'for some forms' : '';
};

/** Returns the text of docs/detectors.md. */
export const detectorsReference = (detectors: readonly Detector[]): string => {
  const count = new Set(detectors.map(({ kind }) => kind)).size;
  const entities = ENTITIES.map(
    ({ name, title, kinds }) => `| \`${name}\` | ${cell(title)} | ${kinds.length} | ${wordsOf(name, detectors)} |`,
  );
  const secrets = [...new Set(detectors.map(({ kind }) => kind))]
    .filter((kind) => entityOf(kind) !== kind)
    .map((kind) => `| \`${kind}\` | ${cell(titleOf(kind, detectors))} |`);
  return `<!-- Written by scripts/generate.ts from src/detect; do not edit. -->

# Detectors

${count} kinds. A masking rule names an entity (\`secret\`), or one kind of it (\`secret.github\`). Where a word is needed, one that
says what the value is must stand in the 64 characters ahead of it, in English, German, French, Spanish, Italian,
Portuguese, Dutch, Polish or the number's own language. \`sallyport detectors test TEXT\` shows what is found.

What stands in for a key (\`sk-xxxx\`, \`your-api-key\`) is no finding. An example that has the full form of a key
(\`AKIAIOSFODNN7EXAMPLE\`) is one: only its letters tell it from a real one, and to hide it costs nothing.

| entity | what it is | kinds | word needed |
| --- | --- | --- | --- |
${entities.join('\n')}

## Your own

A config may define detectors beside these (\`detectors\` in [config.md](config.md), [ADR 27](adr/0027-own-detectors.md)):

\`\`\`yaml
detectors:
  - name: employee
    title: Employee number
    pattern: '\\bEMP-\\d{6}\\b'
    except: [EMP-000000]
  - name: code_name
    words: [Project Apollo, Zeus]
    ignore_case: true
  - name: badge
    pattern: '\\b\\d{5}\\b'
    context: { words: [badge, Ausweis] }
\`\`\`

What they find is masked, counted and told as anything else, and streams hold back for them as long as it takes. A repeat
without an end may be the last thing of a pattern: the finding is decided when it has been seen often enough, goes on as
long as the text does, and a \`\\b\` behind it is not asked. \`\\b\` knows Latin, Greek and Cyrillic letters; \`\\w\` and \`\\d\` are
ASCII, which digits of other scripts and full-width forms are read as.

## Kinds of entities that have several

| kind | what it is |
| --- | --- |
${secrets.join('\n')}
`;
};
