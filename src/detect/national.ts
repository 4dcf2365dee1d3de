/**
 * Numbers by which a state, a health service or a registry knows somebody. One row each. A form and its check that let
 * through fewer than one in two hundred look-alikes may stand alone; the others need a word ahead that says what they are.
 */

import { isDay, mod97, passesLuhn, passesMod11And10, passesVerhoeff, weighted } from './checks.ts';
import { type Context, type Detector, phrases } from './detector.ts';
import { compact } from './digits.ts';
import { NUMBER_END, WORD_START } from './fragments.ts';

interface Numbers {
  readonly kind: string;
  readonly title: string;
  /** What people call it. */
  readonly words: string;
  /** Takes the letters and digits of a match, letters as capitals. */
  readonly check: (number: string) => boolean;
  /** Forms that need no word ahead. */
  readonly alone?: string;
  /** Forms that do. */
  readonly said?: string;
}

const part = (number: string, from: number, to: number): number => Number(number.slice(from, to));
const last = (number: string): number => Number(number.at(-1));
const always = (): boolean => true;
const LETTERS_OF_ID = 'TRWAGMYFPDXBNJZSQVHLCKE';
const isNif = (number: string): boolean =>
  LETTERS_OF_ID.charAt(Number(number.slice(0, -1).replace(/^[XYZ]/, (x) => String('XYZ'.indexOf(x)))) % 23) ===
  number.at(-1);

/** Orden EHA/451/2008: letter, seven digits, a digit or a letter by the kind of organisation. */
const isCif = (number: string): boolean => {
  const digits = number.slice(1, 8);
  let sum = 0;
  for (let at = 0; at < 7; at++) {
    const digit = Number(digits.charAt(at));
    const doubled = digit * 2;
    sum += at % 2 === 1 ? digit : Math.floor(doubled / 10) + (doubled % 10);
  }
  const check = (10 - (sum % 10)) % 10;
  return number.endsWith(String(check)) || number.endsWith('JABCDEFGHI'.charAt(check));
};

// Decreto ministeriale 23 dicembre 1976: what a character in an odd place counts.
const ODD = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
const isCodiceFiscale = (number: string): boolean => {
  let sum = 0;
  for (let at = 0; at < 15; at++) {
    const value = Number.parseInt(number.charAt(at), 36);
    const place = value > 9 ? value - 10 : value;
    sum += at % 2 === 0 ? (ODD[place] ?? 0) : place;
  }
  return number.charCodeAt(15) - 0x41 === sum % 26;
};

/** Months count from 1 for the 1900s, from 21 for the 2000s and from 81 for the 1800s; the others are to come. */
const isPesel = (number: string): boolean =>
  /^..[0-38-9]/.test(number) &&
  isDay(part(number, 2, 4) % 20, part(number, 4, 6)) &&
  (10 - (weighted(number, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10 === last(number);

/** In ten digits one stands twice or three times and the others at most once (BZSt, Steuer-ID). */
const isSteuerId = (number: string): boolean => {
  // The check first: it is the cheaper, and nine in ten other numbers fail it.
  if (number.startsWith('0') || !passesMod11And10(number)) return false;
  const counts = [...Map.groupBy(number.slice(0, 10), (digit) => digit).values()].map(({ length }) => length);
  const repeated = counts.filter((count) => count > 1);
  return repeated.length === 1 && (repeated[0] ?? 0) <= 3;
};

/** Corsica's 2A and 2B count as 19 and 18 (INSEE). */
const isNir = (number: string): boolean => {
  const digits = number.slice(0, 13).replace('2A', '19').replace('2B', '18');
  return 97 - (Number(digits) % 97) === Number(number.slice(13));
};

const descending = (from: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, at) => from - at);

const mod11Digit = (sum: number): number => (sum % 11 < 2 ? 0 : 11 - (sum % 11));

const isSame = (number: string): boolean => /^(.)\1*$/.test(number);

const isCpf = (number: string): boolean =>
  !isSame(number) &&
  mod11Digit(weighted(number, descending(10, 9))) === Number(number.charAt(9)) &&
  mod11Digit(weighted(number, descending(11, 10))) === Number(number.charAt(10));

const CNPJ = [5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2];
const isCnpj = (number: string): boolean =>
  !isSame(number) &&
  mod11Digit(weighted(number, CNPJ)) === Number(number.charAt(12)) &&
  mod11Digit(weighted(number, [6, ...CNPJ])) === Number(number.charAt(13));

const isNric = (number: string): boolean => {
  const first = number.charAt(0);
  const sum =
    weighted(number.slice(1), [2, 7, 6, 5, 4, 3, 2]) + (first === 'T' || first === 'G' ? 4 : first === 'M' ? 3 : 0);
  const letters = 'ST'.includes(first) ? 'JZIHGFEDCBA' : first === 'M' ? 'XWUTRQPNJLK' : 'XWUTRQPNMLK';
  return letters.charAt(sum % 11) === number.at(-1);
};

const isRrn = (number: string): boolean =>
  isDay(part(number, 2, 4), part(number, 4, 6)) &&
  (11 - (weighted(number, [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11)) % 10 === last(number);

const isGstin = (number: string): boolean => {
  let sum = 0;
  for (let at = 0; at < 14; at++) {
    const product = Number.parseInt(number.charAt(at), 36) * (at % 2 === 0 ? 1 : 2);
    sum += Math.floor(product / 36) + (product % 36);
  }
  return ((36 - (sum % 36)) % 36).toString(36).toUpperCase() === number.at(-1);
};

/** 49 CFR §565.15: weights by place, values by letter, X for ten. */
const VIN_WEIGHTS = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
const VIN_LETTERS = 'ABCDEFGH.JKLMN.P.R..STUVWXYZ';
const vinValue = (character: string): number => {
  if (/\d/.test(character)) return Number(character);
  const at = VIN_LETTERS.indexOf(character);
  return at < 8 ? at + 1 : at < 18 ? at - 8 : at - 18;
};
const isVin = (number: string): boolean => {
  if (!/[A-Z].*[A-Z]/.test(number) || isSame(number)) return false;
  const sum = VIN_WEIGHTS.reduce((all, weight, at) => all + weight * vinValue(number.charAt(at)), 0);
  return '0123456789X'.charAt(sum % 11) === number.charAt(8);
};

const isNino = (number: string): boolean => !/^(?:BG|GB|KN|NK|NT|TN|ZZ)/.test(number);

const isNhs = (number: string): boolean =>
  !isSame(number) && (11 - (weighted(number, descending(10, 9)) % 11)) % 11 === last(number);

const isDea = (number: string): boolean =>
  (weighted(number.slice(2), [1, 0, 1, 0, 1, 0]) + 2 * weighted(number.slice(2), [0, 1, 0, 1, 0, 1])) % 10 ===
  last(number);

const isAba = (number: string): boolean =>
  /^(?:0[1-9]|1[0-2]|2[1-9]|3[0-2]|6[1-9]|7[0-2]|80)/.test(number) &&
  weighted(number, [3, 7, 1, 3, 7, 1, 3, 7, 1]) % 10 === 0;

const isUtr = (number: string): boolean =>
  '21987654321'.charAt(weighted(number.slice(1), [6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11) === number.charAt(0);

const isTfn = (number: string): boolean => {
  const long = [1, 4, 3, 7, 5, 8, 6, 9, 10];
  // Numbers of eight digits are of before 1989, and sources disagree on their weights.
  if (number.length === 8 && weighted(number, [10, 7, 8, 4, 6, 3, 5, 1]) % 11 === 0) return true;
  return weighted(number, long.slice(0, number.length)) % 11 === 0;
};

const isAbn = (number: string): boolean => (weighted(number, [10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) - 10) % 89 === 0;

const isMedicare = (number: string): boolean =>
  weighted(number, [1, 3, 7, 9, 1, 3, 7, 9]) % 10 === Number(number.charAt(8)) && number.charAt(9) !== '0';

const isBsn = (number: string): boolean =>
  !isSame(number) && (weighted(number, [9, 8, 7, 6, 5, 4, 3, 2]) - last(number)) % 11 === 0;

/** Royal Decree of 3 April 1984: 97 less the remainder, a 2 ahead for those born from 2000 on. */
const isBelgian = (number: string): boolean => {
  const check = Number(number.slice(9));
  const body = part(number, 0, 9);
  const day = part(number, 2, 4) === 0 || isDay(part(number, 2, 4) % 20, part(number, 4, 6));
  return day && (97 - (body % 97) === check || 97 - ((2_000_000_000 + body) % 97) === check);
};

const isPortuguese = (number: string): boolean => mod11Digit(weighted(number, descending(9, 8))) === last(number);

const isPersonnummer = (number: string): boolean => {
  const short = number.slice(-10);
  return isDay(part(short, 2, 4), part(short, 4, 6) % 60) && passesLuhn(short);
};

const isHetu = (number: string): boolean => {
  const digits = number.slice(0, 6) + number.slice(-4, -1);
  const day = isDay(part(number, 2, 4), part(number, 0, 2));
  return day && '0123456789ABCDEFHJKLMNPRSTUVWXY'.charAt(Number(digits) % 31) === number.at(-1);
};

const isFodselsnummer = (number: string): boolean => {
  const first = 11 - (weighted(number, [3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11);
  const second = 11 - (weighted(number, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11);
  const day = isDay(part(number, 2, 4) % 40, part(number, 0, 2) % 40);
  return day && first % 11 === Number(number.charAt(9)) && second % 11 === last(number);
};

const isAhv = (number: string): boolean =>
  (10 - (weighted(number, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]) % 10)) % 10 === last(number);

const isSvnr = (number: string): boolean =>
  isDay(part(number, 6, 8), part(number, 4, 6)) &&
  weighted(number, [3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 === Number(number.charAt(3));

const isPps = (number: string): boolean => {
  const extra = number.charCodeAt(8);
  const sum =
    weighted(number, [8, 7, 6, 5, 4, 3, 2]) +
    (Number.isNaN(extra) || number.charAt(8) === 'W' ? 0 : (extra - 0x40) * 9);
  return 'WABCDEFGHIJKLMNOPQRSTUV'.charAt(sum % 23) === number.charAt(7);
};

const isRodneCislo = (number: string): boolean => {
  const day = isDay((part(number, 2, 4) % 50) % 20, part(number, 4, 6));
  if (number.length === 9) return day && (part(number, 0, 2) < 54 || part(number, 0, 2) >= 80);
  return day && (Number(number) % 11 === 0 || (part(number, 0, 9) % 11 === 10 && number.endsWith('0')));
};

const isCnp = (number: string): boolean => {
  const remainder = weighted(number, [2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
  const county = part(number, 7, 9);
  const day = isDay(part(number, 3, 5), part(number, 5, 7));
  return day && county >= 1 && county <= 52 && (remainder === 10 ? 1 : remainder) === last(number);
};

const isEgn = (number: string): boolean =>
  isDay(part(number, 2, 4) % 20, part(number, 4, 6)) &&
  (weighted(number, [2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11) % 10 === last(number);

const isTckn = (number: string): boolean => {
  const odd = weighted(number, [1, 0, 1, 0, 1, 0, 1, 0, 1]);
  const even = weighted(number, [0, 1, 0, 1, 0, 1, 0, 1]);
  const sum = weighted(number, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
  return (((odd * 7 - even) % 10) + 10) % 10 === Number(number.charAt(9)) && sum % 10 === last(number);
};

const CURP = '0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ';
const isCurp = (number: string): boolean => {
  let sum = 0;
  for (let at = 0; at < 17; at++) sum += CURP.indexOf(number.charAt(at)) * (18 - at);
  return isDay(part(number, 6, 8), part(number, 8, 10)) && (10 - (sum % 10)) % 10 === last(number);
};

/** What the check comes to as a digit: 11 is written 0 and 10 is written 9 (AFIP). */
const CUIT_DIGITS = '012345678990';
const isCuit = (number: string): boolean =>
  /^(?:2[03-7]|3[034]|5[015])/.test(number) &&
  number.endsWith(CUIT_DIGITS.charAt(11 - (weighted(number, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11)));

const isRut = (number: string): boolean => {
  const body = number.slice(0, -1).padStart(8, '0');
  return '0123456789K0'.charAt((11 - (weighted(body, [3, 2, 7, 6, 5, 4, 3, 2]) % 11)) % 11) === number.at(-1);
};

const isChinese = (number: string): boolean =>
  isDay(part(number, 10, 12), part(number, 12, 14)) &&
  '10X98765432'.charAt(weighted(number, [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11) === number.at(-1);

const TAIWAN = 'ABCDEFGHJKLMNPQRSTUVXYWZIO';
const isTaiwanese = (number: string): boolean => {
  const place = TAIWAN.indexOf(number.charAt(0)) + 10;
  const sum = Math.floor(place / 10) + (place % 10) * 9 + weighted(number.slice(1), [8, 7, 6, 5, 4, 3, 2, 1, 1]);
  return sum % 10 === 0;
};

const isSouthAfrican = (number: string): boolean => isDay(part(number, 2, 4), part(number, 4, 6)) && passesLuhn(number);

const isThai = (number: string): boolean => (11 - (weighted(number, descending(13, 12)) % 11)) % 10 === last(number);

const isHongKong = (number: string): boolean => {
  const padded = number.padStart(9, ' ');
  let sum = 0;
  for (let at = 0; at < 8; at++) {
    const character = padded.charAt(at);
    sum += (character === ' ' ? 36 : Number.parseInt(character, 36)) * (9 - at);
  }
  return '0123456789A'.charAt((11 - (sum % 11)) % 11) === number.at(-1);
};

const isMalaysian = (number: string): boolean => {
  const place = part(number, 6, 8);
  return isDay(part(number, 2, 4), part(number, 4, 6)) && place >= 1 && !(place >= 17 && place <= 20);
};

const isMyNumber = (number: string): boolean => {
  const remainder = weighted(number, [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
  return !isSame(number) && (remainder <= 1 ? 0 : 11 - remainder) === last(number);
};

const isNip = (number: string): boolean =>
  !isSame(number) && weighted(number, [6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 === last(number);

const C = '[AC-HJKMNP-RT-Y]';
const CN = '[AC-HJKMNP-RT-Y0-9]';

/** Without a check digit: those born since 2007 get numbers that fail the old one. */
const isCpr = (number: string): boolean => isDay(part(number, 2, 4), part(number, 0, 2));
const CPR = String.raw`[0-3]\d{5}[ \-]?\d{4}`;

// One number, one line: a table is read by its columns.
// biome-ignore format: as said
const NUMBERS: readonly Numbers[] = [
  { kind: 'us_mbi', title: 'US Medicare beneficiary number, MBI', words: 'medicare, mbi, beneficiary', check: (n) => /\d/.test(n), alone: `[1-9]${C}${CN}\\d-?${C}${CN}\\d-?${C}{2}\\d{2}` },
  { kind: 'us_aba', title: 'US bank routing number, ABA', words: 'routing, aba, rtn, transit number', check: isAba, said: String.raw`\d{4}[ \-]?\d{4}[ \-]?\d` },
  { kind: 'us_npi', title: 'US health provider number, NPI', words: 'npi, national provider', check: (n) => passesLuhn(`80840${n}`), said: String.raw`[12]\d{9}` },
  { kind: 'us_dea', title: 'US DEA registration number', words: 'dea, drug enforcement', check: isDea, said: String.raw`[ABCDEFGHJKLMPRSTUXabcdefghjklmprstux][A-Za-z9]\d{7}` },
  { kind: 'uk_nhs', title: 'UK NHS number', words: 'nhs, national health service, health number, patient number', check: isNhs, said: String.raw`\d{3}[ \-]?\d{3}[ \-]?\d{4}` },
  { kind: 'uk_nino', title: 'UK National Insurance number', words: 'national insurance, nino, ni number, ni no', check: isNino, alone: String.raw`[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?:[ \-]?\d{2}){3}[ \-]?[A-D]`, said: String.raw`[a-ceghj-pr-tw-z][a-ceghj-npr-tw-z](?:[ \-]?\d{2}){3}[ \-]?[a-d]` },
  { kind: 'uk_utr', title: 'UK taxpayer reference, UTR', words: 'utr, taxpayer reference, tax reference', check: isUtr, said: String.raw`\d{5}[ \-]?\d{5}` },
  { kind: 'ca_sin', title: 'Canadian social insurance number', words: "sin, social insurance, assurance sociale, nas", check: (n) => !isSame(n) && passesLuhn(n), said: String.raw`\d{3}[ \-]?\d{3}[ \-]?\d{3}` },
  { kind: 'au_tfn', title: 'Australian tax file number', words: 'tfn, tax file', check: isTfn, said: String.raw`\d{3}[ \-]?\d{3}[ \-]?\d{2,3}` },
  { kind: 'au_abn', title: 'Australian business number', words: 'abn, australian business', check: isAbn, alone: String.raw`[1-9]\d \d{3} \d{3} \d{3}`, said: String.raw`[1-9]\d{10}` },
  { kind: 'au_medicare', title: 'Australian Medicare card number', words: 'medicare', check: isMedicare, said: String.raw`[2-6]\d{3}[ \-]?\d{5}[ \-]?\d(?:[ \-\/]?[1-9])?` },
  { kind: 'in_aadhaar', title: 'Indian Aadhaar number', words: 'aadhaar, aadhar, uidai, uid, आधार', check: passesVerhoeff, said: String.raw`[2-9]\d{3}[ \-]?\d{4}[ \-]?\d{4}` },
  { kind: 'in_pan', title: 'Indian permanent account number, PAN', words: 'pan, permanent account', check: always, alone: String.raw`[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]`, said: String.raw`[a-z]{3}[abcfghjlpt][a-z]\d{4}[a-z]` },
  { kind: 'in_gstin', title: 'Indian tax number, GSTIN', words: 'gstin, gst', check: isGstin, alone: String.raw`[0-3]\d[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z][1-9A-Z]Z[0-9A-Z]` },
  { kind: 'es_nif', title: 'Spanish NIF or NIE', words: 'nif, dni, nie, documento nacional', check: isNif, alone: String.raw`(?:\d{8}|[XYZ][ \-]?\d{7})[ \-]?[A-HJ-NP-TV-Z]`, said: String.raw`(?:\d{2}\.\d{3}\.\d{3}|\d{8}|[xyzXYZ][ \-]?\d{7})[ \-]?[A-Za-z]` },
  { kind: 'es_cif', title: 'Spanish tax number of an organisation', words: 'cif, nif', check: isCif, said: String.raw`[ABCDEFGHJNPQRSUVW][ \-]?\d{7}[ \-]?[0-9A-J]` },
  { kind: 'it_codice_fiscale', title: 'Italian codice fiscale', words: 'codice fiscale, cf', check: isCodiceFiscale, alone: '[A-Za-z]{6}[0-9LMNP-Vlmnp-v]{2}[A-EHLMPR-Ta-ehlmpr-t][0-9LMNP-Vlmnp-v]{2}[A-Za-z][0-9LMNP-Vlmnp-v]{3}[A-Za-z]' },
  { kind: 'it_partita_iva', title: 'Italian VAT number', words: 'partita iva, p iva, piva', check: (n) => passesLuhn(n.replace(/\D/g, '')), said: String.raw`(?:IT ?)?\d{11}` },
  { kind: 'pl_pesel', title: 'Polish PESEL', words: 'pesel, numer ewidencyjny', check: isPesel, said: String.raw`\d{11}` },
  { kind: 'pl_nip', title: 'Polish tax number, NIP', words: 'nip, numer identyfikacji podatkowej', check: isNip, said: String.raw`\d{3}[ \-]?\d{3}[ \-]?\d{2}[ \-]?\d{2}|\d{3}[ \-]\d{2}[ \-]\d{2}[ \-]\d{3}` },
  { kind: 'de_steuer_id', title: 'German tax number, Steuer-ID', words: 'steuer id, steueridentifikationsnummer, steuernummer, steuerid, idnr, tin', check: isSteuerId, alone: String.raw`[1-9]\d(?: ?\d{3}){3}` },
  { kind: 'fr_insee', title: 'French social security number, NIR', words: 'insee, sécurité sociale, nir', check: isNir, alone: String.raw`[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}` },
  { kind: 'fr_siret', title: 'French SIREN or SIRET', words: 'siren, siret', check: passesLuhn, said: String.raw`\d{3} ?\d{3} ?\d{3}(?: ?\d{5})?` },
  { kind: 'br_cpf', title: 'Brazilian CPF', words: 'cpf, cadastro de pessoas', check: isCpf, alone: String.raw`\d{3}\.\d{3}\.\d{3}-\d{2}`, said: String.raw`\d{3}[. ]?\d{3}[. ]?\d{3}[ \-]?\d{2}` },
  { kind: 'br_cnpj', title: 'Brazilian CNPJ', words: 'cnpj', check: isCnpj, alone: String.raw`\d{2}\.\d{3}\.\d{3}\/\d{4}-\d{2}|\d{8}000[1-9]\d{2}`, said: String.raw`\d{14}` },
  { kind: 'sg_nric', title: 'Singaporean NRIC or FIN', words: 'nric, fin', check: isNric, alone: String.raw`[STFGM]\d{7}[A-Z]`, said: String.raw`[stfgm]\d{7}[a-z]` },
  { kind: 'kr_rrn', title: 'Korean resident registration number', words: '주민등록번호, 주민번호, resident registration, rrn', check: isRrn, alone: String.raw`\d{6}-\d{7}`, said: String.raw`\d{13}` },
  { kind: 'nl_bsn', title: 'Dutch citizen service number, BSN', words: 'bsn, burgerservicenummer, sofinummer', check: isBsn, said: String.raw`\d{3}[ .]?\d{3}[ .]?\d{3}|\d{4}\.\d{2}\.\d{3}` },
  { kind: 'be_nn', title: 'Belgian national number', words: 'rijksregisternummer, numéro national, registre national, insz, niss', check: isBelgian, alone: String.raw`\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}`, said: String.raw`\d{6}[ \-]?\d{3}[ .\-]?\d{2}` },
  { kind: 'pt_nif', title: 'Portuguese tax number, NIF', words: 'nif, contribuinte, nipc', check: isPortuguese, said: String.raw`[1-9]\d{2} ?\d{3} ?\d{3}` },
  // ahead of Sweden's, which has the same form: the word decides
  { kind: 'dk_cpr', title: 'Danish CPR number', words: 'cpr', check: isCpr, said: CPR },
  { kind: 'se_personnummer', title: 'Swedish personnummer', words: 'personnummer, personnr, samordningsnummer', check: isPersonnummer, alone: String.raw`(?:19|20)\d{6}-?\d{4}|\d{6}[\-+]\d{4}`, said: String.raw`\d{10}` },
  { kind: 'fi_hetu', title: 'Finnish personal identity code', words: 'henkilötunnus, hetu, personbeteckning', check: isHetu, alone: String.raw`\d{6}[\-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]` },
  { kind: 'no_fodselsnummer', title: 'Norwegian fødselsnummer', words: 'fødselsnummer, personnummer, fnr', check: isFodselsnummer, alone: String.raw`[0-7]\d{5} ?\d{5}` },
  { kind: 'dk_cpr', title: 'Danish CPR number', words: 'personnummer', check: isCpr, said: CPR },
  { kind: 'ch_ahv', title: 'Swiss AHV number', words: 'ahv, avs, sozialversicherungsnummer', check: isAhv, alone: String.raw`756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}` },
  { kind: 'at_svnr', title: 'Austrian social insurance number', words: 'sozialversicherungsnummer, svnr, versicherungsnummer', check: isSvnr, said: String.raw`[1-9]\d{3} ?\d{6}` },
  { kind: 'ie_pps', title: 'Irish PPS number', words: 'pps, ppsn, personal public service', check: isPps, said: String.raw`\d{7}[A-Wa-w][A-IWa-iw]?` },
  { kind: 'cz_rodne_cislo', title: 'Czech or Slovak rodné číslo', words: 'rodné číslo, rodne cislo, rč', check: isRodneCislo, alone: String.raw`\d{6}\/\d{4}`, said: String.raw`\d{6}\/?\d{3,4}` },
  { kind: 'ro_cnp', title: 'Romanian CNP', words: 'cnp, cod numeric personal', check: isCnp, alone: String.raw`[1-8]\d{12}` },
  { kind: 'bg_egn', title: 'Bulgarian EGN', words: 'егн, egn', check: isEgn, said: String.raw`\d{10}` },
  { kind: 'tr_tckn', title: 'Turkish identity number', words: 'tckn, tc kimlik, kimlik no, t c kimlik', check: isTckn, said: String.raw`[1-9]\d{10}` },
  { kind: 'mx_curp', title: 'Mexican CURP', words: 'curp', check: isCurp, alone: String.raw`[A-Z]{4}\d{6}[HMX](?:AS|BC|BS|CC|CL|CM|CS|CH|DF|DG|GT|GR|HG|JC|MC|MN|MS|NT|NL|OC|PL|QT|QR|SP|SL|SR|TC|TS|TL|VZ|YN|ZS|NE)[B-DF-HJ-NP-TV-Z]{3}[A-Z0-9]\d` },
  { kind: 'mx_rfc', title: 'Mexican RFC', words: 'rfc', check: (n) => isDay(part(n, n.length - 7, n.length - 5), part(n, n.length - 5, n.length - 3)), said: String.raw`[A-Z&]{3,4}-?\d{6}-?[A-Z0-9]{3}` },
  { kind: 'ar_cuit', title: 'Argentine CUIT or CUIL', words: 'cuit, cuil', check: isCuit, alone: String.raw`\d{2}-\d{8}-\d`, said: String.raw`\d{11}` },
  { kind: 'cl_rut', title: 'Chilean RUT', words: 'rut, run', check: isRut, alone: String.raw`\d{1,2}\.\d{3}\.\d{3}-[0-9Kk]`, said: String.raw`\d{7,8}-?[0-9Kk]` },
  { kind: 'cn_id', title: 'Chinese resident identity number', words: '身份证, 身份證, resident identity', check: isChinese, alone: String.raw`[1-8]\d{5}(?:19|20)\d{9}[0-9Xx]` },
  { kind: 'tw_id', title: 'Taiwanese identity number', words: '身分證, 身份證, national id', check: isTaiwanese, said: String.raw`[A-Z][1289]\d{8}` },
  { kind: 'za_id', title: 'South African identity number', words: 'id number, identity number, rsa id', check: isSouthAfrican, alone: String.raw`\d{10}[01][89]\d` },
  { kind: 'il_id', title: 'Israeli identity number', words: 'teudat zehut, תעודת זהות, israeli id', check: passesLuhn, said: String.raw`\d{9}` },
  { kind: 'th_id', title: 'Thai identity number', words: 'บัตรประชาชน, thai id, citizen id', check: isThai, alone: String.raw`[1-8]-\d{4}-\d{5}-\d{2}-\d`, said: String.raw`[1-8]\d{12}` },
  { kind: 'hk_id', title: 'Hong Kong identity card', words: 'hkid, 身份證, hong kong identity', check: isHongKong, alone: String.raw`[A-Z]{1,2}\d{6}\([0-9A]\)`, said: String.raw`[A-Z]{1,2}\d{6}[0-9A]` },
  { kind: 'my_nric', title: 'Malaysian identity card', words: 'mykad, my kad, nric, kad pengenalan, ic number', check: isMalaysian, alone: String.raw`\d{6}-\d{2}-\d{4}`, said: String.raw`\d{12}` },
  { kind: 'jp_my_number', title: 'Japanese My Number', words: 'マイナンバー, 個人番号, my number', check: isMyNumber, said: String.raw`\d{4}[ \-]?\d{4}[ \-]?\d{4}` },
  { kind: 'vin', title: 'Vehicle identification number, VIN', words: 'vin, chassis, fahrgestellnummer, fin, vehicle identification', check: isVin, alone: String.raw`[A-HJ-NPR-Z0-9]{13}\d{4}`, said: String.raw`[A-HJ-NPR-Za-hj-npr-z0-9]{17}` },
  { kind: 'lei', title: 'Legal entity identifier, LEI', words: 'lei, legal entity identifier', check: (n) => mod97(n) === 1, alone: String.raw`[A-Z0-9]{4}00[A-Z0-9]{12}\d{2}`, said: String.raw`[A-Z0-9]{18}\d{2}` },
  { kind: 'imei', title: 'Device number, IMEI', words: 'imei', check: passesLuhn, said: String.raw`\d{2}[ \-]?\d{6}[ \-]?\d{6}[ \-]?\d|\d{15}` },
];

/** `(A)` of a Hong Kong card ends the number; nothing else does. */
const detectorsOf = ({ kind, title, words, check, alone, said }: Numbers): readonly Detector[] => {
  const accept = (match: string): number => (check(compact(match).toUpperCase()) ? match.length : 0);
  const detector = (form: string, required: boolean, score: number): Detector => {
    const context: Context = { words: phrases(words), required };
    const pattern = new RegExp(
      String.raw`${WORD_START}(?<!\d[.\-\/])(?:${form})${NUMBER_END.replace('|', String.raw`|[\-\/]\d|`)}`,
    );
    return { kind, title, pattern, accept, context, score };
  };
  return [
    ...(alone === undefined ? [] : [detector(alone, false, 0.9)]),
    ...(said === undefined ? [] : [detector(said, true, 0.85)]),
  ];
};

/** Detectors of this family, in priority order. */
export const NATIONAL: readonly Detector[] = NUMBERS.flatMap(detectorsOf);
