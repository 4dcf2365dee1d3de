/** Overriding what was said before: the oldest form of an injection, in many languages. */

import { few, G, phrase } from './phrases.ts';
import type { Wire } from './wire.ts';

const EN = String.raw`(?:instructions?|prompts?|rules|guidelines|directives?|directions|commands|constraints|restrictions|programming|safety${G}(?:rules|measures|guidelines)|system${G}(?:prompt|message))`;
const BEFORE = String.raw`(?:previous|prior|above|earlier|preceding|foregoing|existing|original|initial|system|past|your|all|any)`;

export const OVERRIDES: readonly Wire[] = [
  phrase(
    'override',
    0.75,
    ['ignore', 'disregard', 'forget', 'bypass', 'override', 'neglect', 'discard', 'skip'],
    String.raw`(?:ignore|disregard|forget|bypass|override|neglect|discard|skip)${G}(?:(?:all|any|of|the|my|your|every|everything|each|and|or|other|following|about)${G}){0,4}(?:${BEFORE}${G}){1,4}(?:[a-z]{1,12}${G}){0,2}${EN}\b`,
  ),
  phrase(
    'override',
    0.7,
    ['ignore', 'disregard', 'forget'],
    String.raw`(?:ignore|disregard|forget)${G}(?:(?:all|any|of|the|those|these)${G}){1,3}${EN}${G}(?:above|before|you${G}(?:were|have|got)|given|so${G}far)\b|(?:ignore|disregard|forget)${G}(?:all${G}|absolutely${G}|completely${G})?(?:everything|anything|all${G}that|what(?:ever)?)${G}(?:that${G}|which${G})?(?:you${G}(?:were|have${G}been|are|'ve${G}been)${G}(?:told|given|instructed|taught)|(?:was|is)${G}(?:said|written)${G}(?:above|before|previously)|above|before${G}this|i${G}said${G}(?:before|above))\b`,
  ),
  phrase(
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
  phrase(
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
  phrase(
    'override',
    0.75,
    ['ignoriere', 'ignorier', 'ignorieren', 'vergiss', 'vergessen', 'missachte', 'übergehe'],
    String.raw`(?:ignorieren?|ignorier|vergiss|vergessen|missachte|übergehe)\s${few(4)}?(?:anweisungen?|instruktionen|vorgaben|regeln|befehle|richtlinien|systemprompt|prompts?)`,
  ),
  phrase(
    'override',
    0.75,
    ['ignore', 'ignorez', 'ignorer', 'oublie', 'oubliez', 'oublier'],
    String.raw`(?:ignore[zr]?|oublie[zr]?)\s(?:toutes?|tous|les|tes|vos|ces|l['’])${'[\\s]?'}${few(4)}?(?:instructions?|consignes?|directives?|règles|ordres)(?:\s${few(3)}?(?:précédentes?|antérieures?|ci-dessus|initiales|reçues|système))?`,
  ),
  phrase(
    'override',
    0.75,
    ['ignora', 'ignore', 'ignorad', 'olvida', 'olvide', 'omite', 'descarta'],
    String.raw`(?:ignor[ae]d?|olvid[ae]|omite|descarta)\s(?:todas?|todos|las|los|tus|sus|cualquier|estas)\s${few(4)}?(?:instrucciones|indicaciones|órdenes|reglas|directrices)`,
  ),
  phrase(
    'override',
    0.75,
    ['ignora', 'ignorate', 'ignorare', 'dimentica', 'dimenticate', 'trascura'],
    String.raw`(?:ignora(?:te|re)?|dimentica(?:te)?|trascura)\s(?:tutte|tutti|le|gli|i|ogni|qualsiasi|queste)\s${few(4)}?(?:istruzioni|indicazioni|ordini|regole|direttive)`,
  ),
  phrase(
    'override',
    0.75,
    ['ignore', 'ignora', 'esqueça', 'esqueca', 'desconsidere', 'desconsidera'],
    String.raw`(?:ignor[ae]|esque[çc]a|desconsider[ae])\s(?:todas?|todos|as|os|suas|quaisquer|estas)\s${few(4)}?(?:instruções|instrucoes|orientações|ordens|regras|diretrizes)`,
  ),
  phrase(
    'override',
    0.75,
    ['negeer', 'vergeet', 'zignoruj', 'zapomnij', 'pomiń', 'ignoruj'],
    String.raw`(?:(?:negeer|vergeet)\s${few(4)}?(?:instructies|opdrachten|regels|aanwijzingen)|(?:zignoruj|zapomnij|pomiń|ignoruj)\s${few(4)}?(?:instrukcj[eia]|polecenia|zasady|wytyczne|poleceń))`,
  ),
  phrase(
    'override',
    0.75,
    ['игнорируй', 'игнорируйте', 'проигнорируй', 'проигнорируйте', 'забудь', 'забудьте', 'отмени'],
    String.raw`(?:про)?(?:игнорируй(?:те)?|забудь(?:те)?|отмени)\s${few(4)}?(?:инструкци[ия]|указани[яй]|правила|команды|промпт)`,
  ),
  phrase(
    'override',
    0.75,
    ['önceki', 'yukarıdaki', 'tüm'],
    String.raw`(?:önceki|yukarıdaki|tüm)\s${few(3)}?(?:talimat|komut|kural|yönerge)[\p{L}]{0,10}\s${few(2)}?(?:yok\ssay|unut|görmezden|dikkate\salma)`,
  ),
  phrase(
    'override',
    0.8,
    ['忽略', '无视', '忘记', '忘掉', '無視', '忽視', '请忽略'],
    String.raw`(?:忽略|无视|忘记|忘掉|無視|忽視)(?:[^。！？\n]{0,12})(?:指令|指示|提示|命令|规则|說明|说明|设定)`,
  ),
  phrase(
    'override',
    0.8,
    ['以前の', 'これまでの', '上記の', '前の', 'すべての', '全ての'],
    String.raw`(?:以前の|これまでの|上記の|前の|すべての|全ての)[^。！？\n]{0,12}(?:指示|命令|ルール|プロンプト|設定)[^。！？\n]{0,6}(?:無視|忘れ)`,
  ),
  phrase(
    'override',
    0.8,
    ['이전', '위의', '모든', '앞의'],
    String.raw`(?:이전|위의|모든|앞의)[^.!?\n]{0,14}(?:지시|명령|규칙|프롬프트|지침)[^.!?\n]{0,6}(?:무시|잊어)`,
  ),
  phrase(
    'override',
    0.75,
    ['تجاهل', 'انس'],
    String.raw`(?:تجاهل|انس)\s${few(3)}?(?:التعليمات|الأوامر|القواعد|تعليمات)`,
  ),
  phrase(
    'override',
    0.75,
    ['अनदेखा', 'पिछले', 'पिछली', 'सभी'],
    String.raw`(?:पिछल[ेी]|सभी)\s${few(3)}?(?:निर्देश|नियम|आदेश)[\p{L}\p{M}]{0,6}\s${few(3)}?(?:अनदेखा|नज़रअंदाज़|भूल)`,
  ),
];
