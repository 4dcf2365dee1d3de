/**
 * Tripwires for prompt injection: forms of texts that try to be instructions where they are data. They are heuristics:
 * whoever knows them can write around them (docs/guards.md).
 */

import type { Evidence, Injection, Trip } from '../call.ts';
import { foldText } from './fold.ts';
import { compileWires, inSlices, tripOf, type Tripped, type Wire } from './wire.ts';

const wire = (kind: string, weight: number, starts: readonly string[], source: string): Wire => ({
  kind,
  starts,
  pattern: new RegExp(source, 'iy'),
  weight,
});

const G = String.raw`[\s,.:;'"_*-]{1,6}`;
/** Up to so many short words in between. */
const few = (most: number): string => String.raw`(?:[\p{L}\w'’]{1,14}[\s,]{1,3}){0,${most}}`;
const EN = String.raw`(?:instructions?|prompts?|rules|guidelines|directives?|directions|commands|constraints|restrictions|programming|safety${G}(?:rules|measures|guidelines)|system${G}(?:prompt|message))`;
const BEFORE = String.raw`(?:previous|prior|above|earlier|preceding|foregoing|existing|original|initial|system|past|your|all|any)`;

/** Overriding what was said before, in twelve languages. */
const OVERRIDES: readonly Wire[] = [
  wire(
    'override',
    0.75,
    ['ignore', 'disregard', 'forget', 'bypass', 'override', 'neglect', 'discard', 'skip'],
    String.raw`(?:ignore|disregard|forget|bypass|override|neglect|discard|skip)${G}(?:(?:all|any|of|the|my|your|every|everything|each|and|or|other|following|about)${G}){0,4}(?:${BEFORE}${G}){1,4}(?:[a-z]{1,12}${G}){0,2}${EN}\b`,
  ),
  wire(
    'override',
    0.7,
    ['ignore', 'disregard', 'forget'],
    String.raw`(?:ignore|disregard|forget)${G}(?:(?:all|any|of|the|those|these)${G}){1,3}${EN}${G}(?:above|before|you${G}(?:were|have|got)|given|so${G}far)\b|(?:ignore|disregard|forget)${G}(?:all${G}|absolutely${G}|completely${G})?(?:everything|anything|all${G}that|what(?:ever)?)${G}(?:that${G}|which${G})?(?:you${G}(?:were|have${G}been|are|'ve${G}been)${G}(?:told|given|instructed|taught)|(?:was|is)${G}(?:said|written)${G}(?:above|before|previously)|above|before${G}this|i${G}said${G}(?:before|above))\b`,
  ),
  wire(
    'override',
    0.6,
    [
      'new instructions',
      'updated instructions',
      'your new instructions',
      'real instructions',
      'actual instructions',
      'your new task',
      'your real task',
    ],
    String.raw`(?:your${G})?(?:new|updated|real|actual)${G}(?:instructions?|task)(?:${G}(?:are|is|from${G}\w{1,12}))?[ ]{0,2}[:=]`,
  ),
  wire(
    'override',
    0.55,
    [
      'system override',
      'admin override',
      'developer override',
      'override mode',
      'end of prompt',
      'end of system prompt',
      'end of instructions',
      'begin new instructions',
    ],
    String.raw`(?:(?:system|admin|developer)${G}override\b|override${G}mode\b|(?:end${G}of|begin${G}new)${G}(?:(?:system|user)${G})?(?:prompt|instructions)\b)`,
  ),
  wire(
    'override',
    0.75,
    ['ignoriere', 'ignorier', 'ignorieren', 'vergiss', 'vergessen', 'missachte', 'übergehe'],
    String.raw`(?:ignorieren?|ignorier|vergiss|vergessen|missachte|übergehe)\s${few(4)}?(?:anweisungen?|instruktionen|vorgaben|regeln|befehle|richtlinien|systemprompt|prompts?)`,
  ),
  wire(
    'override',
    0.75,
    ['ignore', 'ignorez', 'ignorer', 'oublie', 'oubliez', 'oublier'],
    String.raw`(?:ignore[zr]?|oublie[zr]?)\s(?:toutes?|tous|les|tes|vos|ces|l['’])${'[\\s]?'}${few(4)}?(?:instructions?|consignes?|directives?|règles|ordres)(?:\s${few(3)}?(?:précédentes?|antérieures?|ci-dessus|initiales|reçues|système))?`,
  ),
  wire(
    'override',
    0.75,
    ['ignora', 'ignore', 'ignorad', 'olvida', 'olvide', 'omite', 'descarta'],
    String.raw`(?:ignor[ae]d?|olvid[ae]|omite|descarta)\s(?:todas?|todos|las|los|tus|sus|cualquier|estas)\s${few(4)}?(?:instrucciones|indicaciones|órdenes|reglas|directrices)`,
  ),
  wire(
    'override',
    0.75,
    ['ignora', 'ignorate', 'ignorare', 'dimentica', 'dimenticate', 'trascura'],
    String.raw`(?:ignora(?:te|re)?|dimentica(?:te)?|trascura)\s(?:tutte|tutti|le|gli|i|ogni|qualsiasi|queste)\s${few(4)}?(?:istruzioni|indicazioni|ordini|regole|direttive)`,
  ),
  wire(
    'override',
    0.75,
    ['ignore', 'ignora', 'esqueça', 'esqueca', 'desconsidere', 'desconsidera'],
    String.raw`(?:ignor[ae]|esque[çc]a|desconsider[ae])\s(?:todas?|todos|as|os|suas|quaisquer|estas)\s${few(4)}?(?:instruções|instrucoes|orientações|ordens|regras|diretrizes)`,
  ),
  wire(
    'override',
    0.75,
    ['negeer', 'vergeet', 'zignoruj', 'zapomnij', 'pomiń', 'ignoruj'],
    String.raw`(?:(?:negeer|vergeet)\s${few(4)}?(?:instructies|opdrachten|regels|aanwijzingen)|(?:zignoruj|zapomnij|pomiń|ignoruj)\s${few(4)}?(?:instrukcj[eia]|polecenia|zasady|wytyczne|poleceń))`,
  ),
  wire(
    'override',
    0.75,
    ['игнорируй', 'игнорируйте', 'проигнорируй', 'проигнорируйте', 'забудь', 'забудьте', 'отмени'],
    String.raw`(?:про)?(?:игнорируй(?:те)?|забудь(?:те)?|отмени)\s${few(4)}?(?:инструкци[ия]|указани[яй]|правила|команды|промпт)`,
  ),
  wire(
    'override',
    0.75,
    ['önceki', 'yukarıdaki', 'tüm'],
    String.raw`(?:önceki|yukarıdaki|tüm)\s${few(3)}?(?:talimat|komut|kural|yönerge)[\p{L}]{0,10}\s${few(2)}?(?:yok\ssay|unut|görmezden|dikkate\salma)`,
  ),
  wire(
    'override',
    0.8,
    ['忽略', '无视', '忘记', '忘掉', '無視', '忽視', '请忽略'],
    String.raw`(?:忽略|无视|忘记|忘掉|無視|忽視)(?:[^。！？\n]{0,12})(?:指令|指示|提示|命令|规则|說明|说明|设定)`,
  ),
  wire(
    'override',
    0.8,
    ['以前の', 'これまでの', '上記の', '前の', 'すべての', '全ての'],
    String.raw`(?:以前の|これまでの|上記の|前の|すべての|全ての)[^。！？\n]{0,12}(?:指示|命令|ルール|プロンプト|設定)[^。！？\n]{0,6}(?:無視|忘れ)`,
  ),
  wire(
    'override',
    0.8,
    ['이전', '위의', '모든', '앞의'],
    String.raw`(?:이전|위의|모든|앞의)[^.!?\n]{0,14}(?:지시|명령|규칙|프롬프트|지침)[^.!?\n]{0,6}(?:무시|잊어)`,
  ),
  wire('override', 0.75, ['تجاهل', 'انس'], String.raw`(?:تجاهل|انس)\s${few(3)}?(?:التعليمات|الأوامر|القواعد|تعليمات)`),
  wire(
    'override',
    0.75,
    ['अनदेखा', 'पिछले', 'पिछली', 'सभी'],
    String.raw`(?:पिछल[ेी]|सभी)\s${few(3)}?(?:निर्देश|नियम|आदेश)[\p{L}\p{M}]{0,6}\s${few(3)}?(?:अनदेखा|नज़रअंदाज़|भूल)`,
  ),
].map((each) => ({ ...each, pattern: new RegExp(each.pattern.source, 'iuy') }));

const FORMS: readonly Wire[] = [
  // who is speaking
  wire(
    'role',
    0.5,
    ['you are now', 'you are no longer', 'act as', 'pretend', 'from now on'],
    String.raw`(?:you${G}are${G}(?:now|no${G}longer)${G}(?:in${G})?(?:an?${G})?(?:dan\b|aim\b|stan\b|unrestricted|uncensored|unfiltered|jailbroken|evil|free${G}(?:from|of)|bound${G}by|restricted|(?:in${G})?developer${G}mode|\w{1,16}gpt\b)|(?:act${G}as|pretend${G}(?:to${G}be|that${G}you${G}(?:are|have)|you${G}(?:are|have)))${G}(?:if${G}you${G}(?:have|had|are|were)${G})?(?:an?${G})?(?:dan\b|unrestricted|uncensored|unfiltered|jailbroken|no${G}(?:restrictions|rules|filters|limits|guidelines))|from${G}now${G}on,?[ ]{0,2}you${G}(?:will|must|are|shall|should|can)${G}(?:\w{1,12}${G}){0,4}(?:ignore|disregard|obey|comply|without${G}(?:any${G})?(?:restrictions|filters|limits)|unrestricted|uncensored))`,
  ),
  wire(
    'role',
    0.5,
    ['do anything now', 'developer mode', 'jailbreak', 'dan mode', 'god mode', 'sudo mode'],
    String.raw`(?:do${G}anything${G}now\b|(?:developer|dan|god|sudo)${G}mode${G}(?:is${G})?(?:now${G})?(?:enabled|activated|unlocked|on\b)|jailbreak${G}(?:mode|prompt|enabled|yourself))`,
  ),
  wire(
    'template',
    0.8,
    ['<|', '<｜'],
    String.raw`<[|｜][ ]{0,2}(?:im_start|im_end|im_sep|system|user|assistant|tool|endoftext|startoftext|eot_id|start_header_id|end_header_id|begin_of_text|end_of_text|eom_id|python_tag|channel|message|start|end|return|call|constrain|fim_\w{3,6}|endofprompt|end_of_turn|begin▁of▁sentence|end▁of▁sentence|User|Assistant|tool▁\w{1,24})[ ]{0,2}[|｜]>`,
  ),
  wire(
    'template',
    0.7,
    [
      '[inst]',
      '[/inst]',
      '<<sys>>',
      '<</sys>>',
      '<start_of_turn>',
      '<end_of_turn>',
      '[system_prompt]',
      '[available_tools]',
      '[tool_calls]',
    ],
    String.raw`(?:\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>|\[(?:system_prompt|available_tools|tool_calls)\])`,
  ),
  wire(
    'template',
    0.45,
    [
      '\n\nhuman:',
      '\n\nassistant:',
      '\n\nsystem:',
      '### system',
      '### instruction',
      '### assistant',
      '<system>',
      '</system>',
      '<function_calls>',
      '<tool_call>',
      '</tool_response>',
      '</user>',
      '</document>',
    ],
    String.raw`(?:\n\n(?:human|assistant|system):[ ]|###[ ](?:system|assistant|instructions?):[ \n]|</?system>\s|<function_calls>|<tool_call>\s{0,2}\{|</tool_response>|</user>\s{0,4}<|</document>\s{0,4}<(?:system|instructions?))`,
  ),
  wire(
    'template',
    0.5,
    ['"role"', "'role'"],
    String.raw`["']role["']\s{0,3}:\s{0,3}["'](?:system|developer)["']\s{0,3},\s{0,3}["']content["']\s{0,3}:\s{0,3}["'](?:you|ignore|new|your)\b`,
  ),

  // who is meant
  wire(
    'addressing',
    0.45,
    ['attention', 'note to', 'notice to', 'important', 'message to', 'instructions for', 'dear'],
    String.raw`(?:attention|note${G}to|notice${G}to|important(?:${G}(?:note|message|instructions?))?(?:${G}(?:to|for))?|message${G}to|instructions?${G}for|dear)[\s:,!-]{1,4}(?:the${G}|any${G}|all${G})?(?:ai\b|a\.i\.|llms?\b|language${G}models?|ai${G}(?:agents?|assistants?|models?|systems?)|chatbots?|chatgpt|claude|gpt-?\d?|gemini|copilot|assistants?)[\s,:!.]{1,3}(?![\w]{0,3}(?:s|is|are|was|can)\b)`,
  ),
  wire(
    'addressing',
    0.5,
    ['if you are', 'if you’re', "if you're", 'as an ai'],
    String.raw`if${G}you${G}?(?:are|['’]re|re)${G}(?:reading${G}this${G}(?:and${G}(?:you${G})?are${G})?)?(?:an?${G}|the${G})?(?:ai\b|llm\b|large${G}language|language${G}model|chatbot|(?:ai|virtual)${G}(?:assistant|agent))(?:[^.\n]{0,40})[,:]?[^.\n]{0,40}\b(?:must|should|please|ignore|do${G}not|don['’]t|instead|include|say|add|respond|reply|write)\b`,
  ),
  wire(
    'secrecy',
    0.5,
    ['do not', 'don’t', "don't", 'never', 'without'],
    String.raw`(?:(?:do${G}not|don['’]?t|never)${G}(?:tell|mention|reveal|disclose|inform|show|report|alert|notify|let)${G}(?:(?:any|of|this|these|that|it|about|anything|to)${G}){0,4}(?:the${G})?(?:users?|human|operator|anyone|developer)\b(?:${G}know)?|without${G}(?:telling|informing|notifying|alerting|asking|mentioning${G}(?:it|this)${G}to)${G}(?:the${G})?(?:user|human|operator)\b)`,
  ),

  // what is to be given away
  wire(
    'extraction',
    0.55,
    [
      'reveal',
      'print',
      'show',
      'repeat',
      'output',
      'display',
      'tell',
      'give',
      'leak',
      'dump',
      'return',
      'share',
      'disclose',
      'write',
      'copy',
      'summarize',
      'translate',
      'encode',
    ],
    String.raw`(?:reveal|print|show|repeat|output|display|tell|give|leak|dump|return|share|disclose|write|copy|summarize|translate|encode)${G}(?:(?:me|us|out|back|verbatim|exactly|word|for|the|all|of|your|entire|full|complete|exact|whole|contents?|text|above|everything|in)${G}){0,7}(?:system|hidden|initial|original|secret|internal|developer|confidential|pre)[\s-]?(?:prompts?|instructions?|messages?|rules|guidelines)\b`,
  ),
  wire(
    'extraction',
    0.5,
    ['what', 'repeat', 'output', 'print'],
    String.raw`(?:what(?:['’]s|${G}(?:is|are|was|were))${G}your${G}(?:exact${G}|full${G}|original${G}|initial${G})?(?:system${G}(?:prompt|message|instructions)|initial${G}(?:prompt|instructions)|hidden${G}instructions)|(?:repeat|output|print)${G}(?:all${G}(?:of${G})?)?(?:the${G}|every${G})?(?:words|text|everything|lines)${G}(?:above|before${G}this|starting${G}with))`,
  ),
  wire(
    'extraction',
    0.5,
    [
      'zeig',
      'zeige',
      'nenne',
      'affiche',
      'révèle',
      'muestra',
      'revela',
      'mostra',
      'mostre',
      'покажи',
      'раскрой',
      '显示',
      '告诉我',
      '输出',
      '重复',
    ],
    String.raw`(?:(?:zeige?|nenne)\s${few(3)}?(?:system-?prompt|systemanweisung)|(?:affiche|révèle)[^.\n]{0,24}(?:prompt|instructions?)\s(?:système|initiales?|cachées?)|(?:muestra|revela|mostr[ae])[^.\n]{0,24}(?:prompt|instrucciones|istruzioni|instruções)\s(?:del?\s|do\s|di\s)?(?:sistema|iniciales|iniziali|iniciais)|(?:покажи|раскрой)[^.\n]{0,24}системн[\p{L}]{1,6}\s(?:промпт|инструкци)|(?:显示|告诉我|输出|重复)[^。\n]{0,10}(?:系统提示|系统指令|初始提示))`,
  ),
  wire(
    'exfiltration',
    0.6,
    ['!['],
    String.raw`!\[[^\]\n]{0,200}\]\(\s{0,2}<?https?://[^\s)>]{1,200}(?:/|[?&][\w.-]{0,40}=[^\s)>&]{0,40}?)(?:\{\{?[^}\n]{1,60}\}|\[[\w -]{3,60}\]|<[\w -]{3,60}>|\$\{\w|%7B|(?<==)(?:[a-z\d+_%-]{120}|(?:the[-_+ ])?(?:secret|conversation|history|summary|base64|password|api_?key|data_?here)\b))`,
  ),
  wire(
    'exfiltration',
    0.6,
    ['append', 'send', 'post', 'include', 'upload', 'exfiltrate', 'forward', 'encode', 'add'],
    String.raw`(?:append|send|post|include|upload|exfiltrate|forward|encode|add)${G}(?:(?:all|any|of|the|a|an|this|that|user|user['’]s|users|your|full|entire|whole|previous|our|every|complete|it|and)${G}){0,6}(?:conversation|chat(?:${G}history)?|history|secrets?|api${G}keys?|credentials|passwords?|tokens?|environment${G}variables|system${G}prompt|private${G}(?:data|keys?)|contents?${G}of${G}(?:the${G})?(?:file|\.env|conversation))\b[^.\n]{0,80}?(?:\bto${G}|\bin${G}(?:the${G})?|\binto${G}|\bas${G}(?:a${G})?)(?:https?://|(?:this|the|following)${G}(?:url|link|address|endpoint|server|webhook)|(?:query|url)${G}(?:string|param)|[\w.+-]{1,40}@[\w-]{1,40}\.)`,
  ),
].map((each) => ({ ...each, pattern: new RegExp(each.pattern.source, 'iuy') }));

export const INJECTION_WIRES: readonly Wire[] = [...OVERRIDES, ...FORMS];

const wires = compileWires(INJECTION_WIRES);

/** Runs of characters that nobody sees; a flag of a region is spelled in them, too, behind a black flag. */
const UNSEEN_RUNS: readonly { readonly kind: string; readonly weight: number; readonly runs: RegExp }[] = [
  { kind: 'invisible', weight: 0.9, runs: /(?<![\u{1F3F4}\u{E0020}-\u{E007F}])[\u{E0020}-\u{E007F}]{4,4096}/gu },
  { kind: 'invisible', weight: 0.8, runs: /[\u{E0100}-\u{E01EF}]{4,4096}/gu },
  { kind: 'invisible', weight: 0.6, runs: /[\u200B\u200C\u2060-\u2064\uFEFF\u180E]{8,4096}/gu },
  { kind: 'invisible', weight: 0.5, runs: /[\u202D\u202E][^\u202C\n]{1,400}/gu },
];
const MAY_BE_UNSEEN = /[\u180E\u200B\u200C\u202D\u202E\u2060-\u2064\uFEFF\u{E0020}-\u{E01EF}]/u;
const MOST_RUNS = 16;

/** What is found before it is weighed. */
interface Raw extends Trip {
  readonly weight: number;
}

const unseenIn = (text: string, place: string): readonly Raw[] => {
  if (!MAY_BE_UNSEEN.test(text)) return [];
  return UNSEEN_RUNS.flatMap(({ kind, weight, runs }) =>
    [...text.matchAll(runs).take(MOST_RUNS)].map(({ 0: run, index }) => ({
      kind,
      place,
      start: index,
      end: index + run.length,
      weight,
    })),
  );
};

/** Base64 and hexadecimal of texts of some length: what they say is looked at once. */
const ENCODED = /(?<![\w+/=-])(?:[A-Za-z\d+/_-]{32,4096}={0,2}|(?:[\da-fA-F]{2}){24,2048})(?![\w+/=-])/g;

const decodedOf = (run: string): string => {
  const bytes = Buffer.from(run, /^[\da-fA-F]+$/.test(run) && run.length % 2 === 0 ? 'hex' : 'base64');
  const text = bytes.toString('latin1');
  // prose has spaces; a digest, a key or a picture has other bytes
  return /^[\t\n\r\x20-\x7e\x80-\xff]{16}/.test(text) && text.includes(' ') ? bytes.toString('utf8') : '';
};

const encodedIn = (text: string, place: string): readonly Raw[] =>
  [...text.matchAll(ENCODED).take(MOST_RUNS)].flatMap(({ 0: run, index }): readonly Raw[] => {
    const said = decodedOf(run);
    if (said === '' || wires.scan(foldText(said)).length === 0) return [];
    return [{ kind: 'encoded', place, start: index, end: index + run.length, weight: 0.9 }];
  });

const raw = (trip: Tripped, place: string): Raw => ({ ...tripOf(trip, place), weight: trip.wire.weight });

/** Returns what a text trips; `place` is its role. */
const tripsOf = (text: string, place: string): readonly Raw[] => {
  const found = [
    ...wires.scan(text).map((trip) => raw(trip, place)),
    ...unseenIn(text, place),
    ...encodedIn(text, place),
  ];
  const folded = foldText(text);
  if (folded === text) return found;
  const kinds = new Set(found.map(({ kind }) => kind));
  // where in the text it stands is not followed through; that it was hidden says more than what it is
  const hidden = wires.scan(folded).filter(({ wire: { kind } }) => !kinds.has(kind));
  return [
    ...found,
    ...hidden.map(({ wire: { kind, weight } }) => ({
      kind,
      place,
      start: 0,
      end: text.length,
      weight: Math.min(1, weight + 0.15),
    })),
  ];
};

/** Who wrote a text says how much a trip in it says: instructions are at home with the system, and in no result of a tool. */
const TRUST: Readonly<Record<string, number>> = {
  system: 0.2,
  developer: 0.2,
  'tool-definition': 0.6,
  assistant: 0.6,
  user: 0.8,
};

/** A kind says more when it comes again, but not much. */
const AGAIN = 0.25;

/** A text, and whose it is: a role, `tool_call`, or `text`. */
export interface PlacedText {
  readonly text: string;
  readonly place: string;
}

/** A text in which nothing was found. */
const NO_INJECTION: Injection = { score: 0, evidence: [] };

const MOST_EVIDENCE = 64;

const evidenceOf = ({ weight, ...trip }: Raw): Evidence => ({
  ...trip,
  score: rounded(weight * (TRUST[trip.place] ?? 1)),
});

/** At most 64, those first that say most: nobody can hide one behind many. */
const most = (evidence: readonly Evidence[]): readonly Evidence[] =>
  evidence.toSorted((a, b) => b.score - a.score).slice(0, MOST_EVIDENCE);

/** Returns what texts trip, each with how much it says by itself; at most 64. */
export const injectionEvidence = (texts: readonly PlacedText[]): readonly Evidence[] =>
  most(texts.flatMap(({ text, place }) => tripsOf(text, place).map(evidenceOf)));

/** Yields whenever somebody else may have a turn, and returns how much texts look like an injection, and why. */
export function* findingInjection(texts: readonly PlacedText[]): Generator<void, Injection> {
  const evidence: Evidence[] = [];
  for (const { text, place } of texts) {
    evidence.push(...(yield* inSlices(text, (slice) => tripsOf(slice, place).map(evidenceOf))));
    yield;
  }
  return injectionOf(most(evidence));
}

const rounded = (score: number): number => Math.round(score * 100) / 100;

/** Returns what evidence says together: each kind counts once in full, and kinds add up as if they were independent. */
export const injectionOf = (evidence: readonly Evidence[]): Injection => {
  if (evidence.length === 0) return NO_INJECTION;
  let rest = 1;
  const seen = new Set<string>();
  for (const { kind, score } of evidence.toSorted((a, b) => b.score - a.score)) {
    rest *= 1 - score * (seen.has(kind) ? AGAIN : 1);
    seen.add(kind);
  }
  return { score: rounded(1 - rest), evidence };
};

/** Returns how much texts look like an injection, and why. */
export const findInjection = (texts: readonly PlacedText[]): Injection => injectionOf(injectionEvidence(texts));
