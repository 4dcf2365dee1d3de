/** What only the words ahead tell from any other number or date: passports, licences, accounts, birthdays and codes. */

import { isDay } from './checks.ts';
import { type Detector, phrases, re, rei } from './detector.ts';
import { compact, digitsOf } from './digits.ts';
import { LETTERS, NUMBER_END, WORD_END, WORD_START } from './fragments.ts';

const PASSPORT = phrases(
  'passport, Reisepass, Reisepassnummer, Passnummer, passeport, pasaporte, passaporto, passaporte, paspoort, paszport, paszportu, pass no',
  'паспорт, 护照, 護照, パスポート, 여권',
);
const LICENCE = phrases(
  'driving licence, driving license, driver license, drivers license, driver licence, driver s license, driver s licence, drivers licence, dl number, dl no',
  'Führerschein, Führerscheinnummer, permis de conduire, permiso de conducir, carnet de conducir, licencia de conducir',
  'patente di guida, carta de condução, carteira de motorista, cnh, rijbewijs, rijbewijsnummer, prawo jazdy, prawa jazdy',
);
const ACCOUNT = phrases(
  'account number, account no, acct, acct no, bank account, account num, checking account, savings account, sort code',
  'Kontonummer, Konto Nr, Bankkonto, numéro de compte, compte bancaire, número de cuenta, cuenta bancaria',
  'numero di conto, conto corrente, número da conta, conta bancária, rekeningnummer, bankrekening, numer konta, rachunek, nr rachunku',
);
const BIRTH = phrases(
  'date of birth, dob, birth date, birthdate, born, born on, birthday, d o b',
  'geboren, geboren am, Geburtsdatum, Geburtstag, geb, date de naissance, né le, née le, naissance',
  'fecha de nacimiento, nacido, nacida, nacimiento, data di nascita, nato il, nata il, nascita',
  'data de nascimento, nascido, nascida, nascimento, geboortedatum, data urodzenia, urodzony, urodzona, ur, fødselsdato, födelsedatum',
  '出生, 生年月日, 생년월일',
);

/** How the names of months begin, accents left out, in the languages of the words above. */
const MONTH =
  /^(?:jan|feb|fev|mar|apr|avr|abr|ma[iyj]|jun|jui|giu|jul|lug|aug|aou|ago|sep|set|o[ck]t|out|ott|nov|de[cz]|dic|gen|ene|sty|lut|kwi|cze|lip|sie|wrz|paz|lis|gru)/;
const isMonth = (name: string): boolean =>
  MONTH.test(
    name
      .toLowerCase()
      .normalize('NFD')
      .replace(/[\u0300-\u036f]/g, ''),
  );

/** Day, month and year in one of the three orders, a year in which somebody living was born. */
const isBirthday = (match: string): boolean => {
  const [one = 0, two = 0, three = 0] = match.split(/\D+/).filter(Boolean).map(Number);
  if (one > 1900) return one < 2100 && isDay(two, three);
  return (three < 100 || (three > 1900 && three < 2100)) && (isDay(two, one) || isDay(one, two));
};

/** Up to 26 digits in groups; a date is none, and what follows a group may be another number. */
const acceptAccount = (match: string): number => {
  const whole = /^\d+(?:[ -]\d{2,})*/.exec(match)?.[0] ?? '';
  const count = digitsOf(whole).length;
  return count >= 6 && count <= 26 && !/^(?:19|20)\d\d-\d\d-\d\d/.test(whole) ? whole.length : 0;
};

const CODE_OF = (words: string): string =>
  String.raw`(?<=${words}(?:[ _-]?(?:code|number|no\.?|nummer|numero|número|nr\.?|kod))?\\?["'\])]{0,2}(?: is| ist| lautet| est| es| è| é| to)?[\s:=#"'(\\]{1,5})`;

/** Detectors of this family, in priority order. */
export const PERSONAL: readonly Detector[] = [
  {
    kind: 'passport',
    title: 'Passport number, behind a word that says so',
    pattern: re`${WORD_START}(?:[A-Z]{1,2}[ -]?\d{6,8}|\d{8,9}|[A-Z]\d{2}[A-Z]{2}\d{5}|[CFGHJKLMNPRTVWXYZ][0-9CFGHJKLMNPRTVWXYZ]{7}\d|\d{2}[A-Z]{2}\d{5}|\d{2} ?\d{2} ?\d{6}|[a-z]{1,2}\d{6,8})${NUMBER_END}`,
    context: { words: PASSPORT, required: true },
    score: 0.7,
  },
  {
    kind: 'driving_licence',
    title: 'Driving licence number, behind words that say so',
    pattern: re`${WORD_START}(?:[A-Z]{2,5}9{0,3}\d{6}[A-Z9]{2}[A-Z0-9]{3}|[A-Z]{0,2}[ -]?\d{3}[ -]?\d{3}[ -]?\d{2,3}(?:[ -]?\d{1,4}){0,1}|[A-Z]\d{3}-\d{4}-\d{4}|[A-Z]\d{7,14}|[A-Z]{2}\d{7}[A-Z]|[A-Z]\d{2}[A-Z0-9]{6}\d[A-Z0-9]|[A-Z]{2}\d{2} ?\d{11}|\d{5}\/\d{2}\/\d{4}|[0-9]{7,10}|\d{8}[A-Z])${NUMBER_END}`,
    context: { words: LICENCE, required: true },
    score: 0.7,
  },
  {
    kind: 'bank_account',
    title: 'Bank account number, behind words that say so',
    pattern: re`${WORD_START}\d[\d -]{4,26}\d${NUMBER_END}`,
    accept: acceptAccount,
    context: { words: ACCOUNT, required: true },
    score: 0.7,
  },
  {
    kind: 'date_of_birth',
    title: 'Date of birth, behind words that say so',
    pattern: re`${WORD_START}(?:\d{1,2}[.\/-] ?\d{1,2}[.\/-] ?(?:19|20)?\d{2}|(?:19|20)\d{2}[.\/-]\d{1,2}[.\/-]\d{1,2}|(?:19|20)\d{2}年\d{1,2}月\d{1,2}日?|(?:19|20)\d{6})(?![A-Za-z0-9]|_[A-Za-z0-9]|[-.\/:]\d)`,
    accept: (match) =>
      (/^\d{8}$/.test(match) ? isDay(Number(match.slice(4, 6)), Number(match.slice(6))) : isBirthday(match))
        ? match.length
        : 0,
    context: { words: BIRTH, required: true },
    score: 0.75,
  },
  {
    kind: 'date_of_birth',
    title: 'Date of birth, behind words that say so',
    pattern: rei`${WORD_START}(?:\d{1,2}(?:st|nd|rd|th|\.|er|º)?[ -](?:de |of )?[a-z${LETTERS}]{3,12}\.?,?[ -](?:de )?(?:19|20)\d{2}|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.? \d{1,2}(?:st|nd|rd|th)?,? (?:19|20)\d{2})${WORD_END}`,
    accept: (match) => ((match.match(/[a-z\u00c0-\u024f]{3,}/gi) ?? []).some(isMonth) ? match.length : 0),
    context: { words: BIRTH, required: true },
    score: 0.75,
  },
  {
    kind: 'cvv',
    title: 'Card security code, behind a word that says so',
    pattern: rei`${CODE_OF('(?:cvv2?|cvc2?|cvn|csc|security code|prüfziffer|kartenprüfnummer|cryptogramme|código de seguridad|codice di sicurezza|código de segurança|beveiligingscode|kod cvv)')}\d{3,4}(?![a-z0-9]|[.,\/-]\d)`,
    score: 0.75,
  },
  {
    kind: 'pin',
    title: 'PIN, behind a word that says so',
    pattern: rei`${CODE_OF('(?:[^a-z]pin|pin-code|geheimzahl|code pin|pincode|geheime code|passcode|kod pin)')}\d{4,8}(?![a-z0-9]|[.,\/:-]\d)`,
    accept: (match) => (/^(?:19|20)\d\d$/.test(match) && compact(match).length > 4 ? 0 : match.length),
    score: 0.65,
  },
];
