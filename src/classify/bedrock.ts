/** Bedrock guardrails: ApplyGuardrail (docs.aws.amazon.com, API reference of the Bedrock runtime). */

import { z } from 'zod';
import { type Dialect, kindOf, labelsOf, mergeSpans, type Part, type Span, unusable, MOST_SPANS } from './question.ts';

const detected = { detected: z.boolean().nullish() };
const list = <T extends z.ZodType>(item: T) => z.array(item).nullish();

const assessment = z.object({
  topicPolicy: z.object({ topics: list(z.object({ name: z.string(), ...detected })) }).nullish(),
  contentPolicy: z.object({ filters: list(z.object({ type: z.string(), ...detected })) }).nullish(),
  wordPolicy: z
    .object({
      customWords: list(z.object(detected)),
      managedWordLists: list(z.object({ type: z.string(), ...detected })),
    })
    .nullish(),
  sensitiveInformationPolicy: z
    .object({
      piiEntities: list(z.object({ match: z.string(), type: z.string(), ...detected })),
      regexes: list(z.object({ match: z.string().nullish(), name: z.string().nullish(), ...detected })),
    })
    .nullish(),
  contextualGroundingPolicy: z.object({ filters: list(z.object({ type: z.string(), ...detected })) }).nullish(),
});

const answerOf = z.object({
  action: z.enum(['NONE', 'GUARDRAIL_INTERVENED']),
  assessments: z.array(assessment),
  guardrailCoverage: z.object({ textCharacters: z.object({ guarded: z.int(), total: z.int() }).nullish() }).nullish(),
});

type Assessment = z.output<typeof assessment>;
type Found = { readonly detected?: boolean | null | undefined };

const seen = <T extends Found>(list: readonly T[] | null | undefined): readonly T[] =>
  (list ?? []).filter((each) => each.detected !== false);

/** Names that an operator gave a topic or a pattern may hold anything. */
const word = (name: string): string => name.replaceAll(/[^A-Za-z0-9 _.:/-]/g, '_').slice(0, 48);

function labelsIn({ topicPolicy, contentPolicy, wordPolicy, ...rest }: Assessment): readonly string[] {
  const { sensitiveInformationPolicy: sensitive, contextualGroundingPolicy: grounding } = rest;
  return [
    ...seen(topicPolicy?.topics).map(({ name }) => `topic:${word(name)}`),
    ...seen(contentPolicy?.filters).map(({ type }) => `content:${word(type)}`),
    ...seen(wordPolicy?.customWords).map(() => 'word:CUSTOM'),
    ...seen(wordPolicy?.managedWordLists).map(({ type }) => `word:${word(type)}`),
    ...seen(sensitive?.piiEntities).map(({ type }) => `pii:${word(type)}`),
    ...seen(sensitive?.regexes).map(({ name }) => `pattern:${word(name ?? '')}`),
    ...seen(grounding?.filters).map(({ type }) => `grounding:${word(type)}`),
  ];
}

/** The guardrail says what it found, not where: it is everywhere that it stands. */
function everywhere(parts: readonly Part[], match: string, kind: string): readonly Span[] {
  if (match === '') return [];
  const spans = parts.flatMap(({ text }, part) => {
    const found: Span[] = [];
    for (
      let at = text.indexOf(match);
      at !== -1 && found.length <= MOST_SPANS;
      at = text.indexOf(match, at + match.length)
    )
      found.push({ part, start: at, end: at + match.length, kind, score: 1 });
    return found;
  });
  if (spans.length === 0) throw unusable('a finding outside of the text');
  return spans;
}

/** Returns the spans of all matches. One that is told as often as it stands there would be found that often each time. */
function spansIn(assessments: readonly Assessment[], parts: readonly Part[]): readonly Span[] {
  const matches = assessments.flatMap(({ sensitiveInformationPolicy: policy }) => [
    ...seen(policy?.piiEntities).map(({ match, type }) => [kindOf(type), match] as const),
    ...seen(policy?.regexes).map(({ match }) => ['pattern', match ?? ''] as const),
  ]);
  const each = new Map(matches.map(([kind, match]) => [`${kind} ${match}`, { kind, match }]));
  const spans: Span[] = [];
  for (const { kind, match } of each.values()) {
    for (const span of everywhere(parts, match, kind)) spans.push(span);
    if (spans.length > MOST_SPANS) break;
  }
  return spans;
}

/** Returns the dialect of a guardrail. */
export const bedrock = ({ id, version }: { readonly id: string; readonly version: string }): Dialect => ({
  post({ phase, parts }) {
    const content = parts.map(({ text }) => ({ text: { text } }));
    const body = { source: phase === 'request' ? 'INPUT' : 'OUTPUT', content };
    const path = `/guardrail/${encodeURIComponent(id)}/version/${version}/apply`;
    return { path, body: JSON.stringify(body) };
  },
  read(answer, { parts }) {
    const parsed = answerOf.safeParse(answer);
    if (!parsed.success) throw unusable('no assessment of a guardrail');
    const { action, assessments, guardrailCoverage } = parsed.data;
    const covered = guardrailCoverage?.textCharacters ?? null;
    // a guardrail that looked at a part of it did not look at the rest
    if (covered !== null && covered.guarded < covered.total)
      throw unusable('a guardrail that did not look at everything');
    const flagged = action === 'GUARDRAIL_INTERVENED';
    return {
      flagged,
      labels: labelsOf(assessments.flatMap(labelsIn)),
      score: Number(flagged),
      spans: mergeSpans(spansIn(assessments, parts)),
    };
  },
});
