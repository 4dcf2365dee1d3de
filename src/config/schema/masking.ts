/** What is found, and what happens to it. Descriptions are sentences for docs/config.md. */

import { z } from 'zod';
import { name, secret, when } from './values.ts';

export const detector = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,62}$/, 'expected lower-case letters, digits and underscores, beginning with a letter')
    .describe('The entity that it finds: what `masking` rules and `call.findings` name, and masks show.'),
  title: z.string().min(1).max(200).optional().describe('What it is, for people.'),
  pattern: z
    .string()
    .min(1)
    .optional()
    .describe(
      'A regular expression: groups, classes, counts, `\\d` `\\w` `\\s`, `\\b`. It runs in linear time and looks at no more than 320 UTF-16 units. A repeat without an end may stand at its end, where the finding goes on as long as the text does; elsewhere it needs a bound. Lookaround, references to groups, `^`, `$` and lazy repeats are refused.',
    ),
  words: z
    .array(z.string().regex(/\S/, 'expected a word').max(100))
    .min(1)
    .max(2000)
    .optional()
    .describe('Instead of a pattern: words and phrases, each found where it stands whole; white space is any.'),
  ignore_case: z.boolean().default(false).describe('Capital and small letters are the same.'),
  max_repeat: z
    .int()
    .min(1)
    .max(320)
    .optional()
    .describe(
      'How often `*`, `+` and `{2,}` in the middle of the pattern repeat at most; without it they are refused.',
    ),
  check: z
    .enum(['luhn', 'mod97', 'mod11_10', 'verhoeff', 'random'])
    .optional()
    .describe('Arithmetic that a match must pass, punctuation aside; `random`: it must look drawn at random.'),
  except: z
    .array(z.string().min(1))
    .default([])
    .describe('Matches that are no findings, word for word: examples, numbers of the house.'),
  context: z
    .strictObject({
      words: z
        .array(z.string().min(1))
        .min(1)
        .describe('One of these words or phrases must stand in the 64 units ahead of a match; accents do not count.'),
      required: z.boolean().default(true).describe('Without such a word there is no finding; else it is only surer.'),
    })
    .optional()
    .describe('Words that say what stands behind them.'),
  score: z.number().min(0).max(1).default(0.8).describe('How sure a finding is.'),
  priority: z
    .enum(['first', 'last'])
    .default('first')
    .describe('Which goes first where it and a built-in detector both match at one place.'),
});

export const masking = z.strictObject({
  name: name().describe('Names the rule in records.'),
  when: when.default('true').describe('A CEL expression that yields a bool: for which calls the rule applies.'),
  direction: z
    .enum(['request', 'response', 'both'])
    .default('response')
    .describe('What is masked: what the model reads, what the caller reads, or both.'),
  entities: z
    .array(z.string().min(1))
    .min(1)
    .describe(
      'What to mask; `sallyport detectors list` names them. `NAME` or `NAME.person` is what the classifier of that name finds.',
    ),
  at: z
    .strictObject({
      paths: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .describe(
          'JSON Pointers (`/prompt`) or JSONPaths (`$.messages[*].content`) into the body, or into each event of a stream; a place holds all that is below it. Of RFC 9535 what looks at nothing but places: names, positions, `*` and `..`. Filters, slices, positions from the end and several in one bracket are refused.',
        ),
      tensors: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .describe('Names of tensors; `*` stands for any characters.'),
      roles: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .describe('Roles of messages, such as `user` and `tool`; what a model answers is `assistant`.'),
    })
    .optional()
    .describe(
      'Where it applies, everywhere by default; what is given must hold together. Where a place cannot be told (tensors, and roles of requests, of gRPC services that are not built in), the rule applies.',
    ),
  with: z
    .enum(['replace', 'mask', 'redact', 'hash', 'tokenize', 'encrypt', 'drop', 'block'])
    .default('replace')
    .describe('How an entity is replaced.'),
  restore: z
    .boolean()
    .default(true)
    .describe(
      'Only with `tokenize`: what is replaced in a request is put back into the answer to it, for that caller and that call alone.',
    ),
  key: secret
    .optional()
    .describe(
      'Only with `encrypt`: 32 bytes in base64, by reference. Whoever has it reads the values with `sallyport detectors decrypt`.',
    ),
});
