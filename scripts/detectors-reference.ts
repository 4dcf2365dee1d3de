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

## Kinds of entities that have several

| kind | what it is |
| --- | --- |
${secrets.join('\n')}
`;
};
