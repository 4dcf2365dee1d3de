import { stdnum } from 'stdnum';
import { describe, expect, it } from 'vitest';
import { drawFrom, grow } from '../../test/masking/samples.ts';
import { compact } from './digits.ts';
import { NATIONAL } from './national.ts';
import { parsePattern } from './syntax.ts';

/** Takes a number as it is written; `compact` takes its punctuation away where the other library asks for that. */
type Judge = (number: string) => boolean;

interface Validator {
  readonly validate: (number: string) => { readonly isValid: boolean };
}

const NO = { isValid: false };

/** Where stdnum has the same number. Its functions take over a microsecond, so ours are the ones that ship. */
const THEIRS: Readonly<Record<string, Validator | undefined>> = {
  uk_utr: stdnum['GB']?.['utr'],
  uk_nino: stdnum['GB']?.['nino'],
  ca_sin: stdnum['CA']?.['sin'],
  au_abn: stdnum['AU']?.['abn'],
  in_aadhaar: stdnum['IN']?.['aadhaar'],
  in_pan: stdnum['IN']?.['pan'],
  in_gstin: stdnum['IN']?.['gstin'],
  es_nif: stdnum['ES']?.['nif'],
  es_cif: stdnum['ES']?.['cif'],
  it_codice_fiscale: stdnum['IT']?.['codicefiscale'],
  it_partita_iva: stdnum['IT']?.['iva'],
  pl_pesel: stdnum['PL']?.['pesel'],
  pl_nip: stdnum['PL']?.['nip'],
  fr_insee: stdnum['FR']?.['nir'],
  br_cpf: stdnum['BR']?.['cpf'],
  br_cnpj: stdnum['BR']?.['cnpj'],
  kr_rrn: stdnum['KR']?.['rrn'],
  nl_bsn: stdnum['NL']?.['bsn'],
  be_nn: stdnum['BE']?.['nn'],
  pt_nif: stdnum['PT']?.['nif'],
  fi_hetu: stdnum['FI']?.['hetu'],
  no_fodselsnummer: stdnum['NO']?.['fodselsnummer'],
  dk_cpr: stdnum['DK']?.['cpr'],
  ch_ahv: stdnum['CH']?.['ssn'],
  at_svnr: stdnum['AT']?.['vnr'],
  ie_pps: stdnum['IE']?.['pps'],
  cz_rodne_cislo: stdnum['CZ']?.['rc'],
  ro_cnp: stdnum['RO']?.['cnp'],
  tr_tckn: stdnum['TR']?.['tckimlik'],
  mx_curp: stdnum['MX']?.['curp'],
  cl_rut: stdnum['CL']?.['rut'],
  cn_id: stdnum['CN']?.['ric'],
  tw_id: stdnum['TW']?.['natid'],
  za_id: stdnum['ZA']?.['idnr'],
  il_id: stdnum['IL']?.['idnr'],
  th_id: stdnum['TH']?.['idnr'],
  hk_id: stdnum['HK']?.['hkid'],
  my_nric: stdnum['MY']?.['nric'],
  au_tfn: stdnum['AU']?.['tfn'],
  fr_siret: {
    validate: (number) =>
      (number.length === 9 ? stdnum['FR']?.['siren'] : stdnum['FR']?.['siret'])?.validate(number) ?? NO,
  },
  mx_rfc: stdnum['MX']?.['rfc'],
  ar_cuit: stdnum['AR']?.['cuit'],
  // It wants the hyphen, ours is without by then.
  se_personnummer: {
    validate: (number) => stdnum['SE']?.['personnummer']?.validate(number.replace(/(?=.{4}$)/, '-')) ?? NO,
  },
};

/**
 * Where ours is the stricter, by its registry: of ten digits of a Steuer-ID just one is there twice or three times (BZSt), and
 * an EGN begins with a day that there is. Nothing passes that stdnum refuses.
 */
const LOOSER: Readonly<Record<string, Validator | undefined>> = {
  de_steuer_id: stdnum['DE']?.['idnr'],
  bg_egn: stdnum['BG']?.['egn'],
};

const judgeOf = (theirs: Validator | undefined): Judge | null =>
  theirs === undefined ? null : (number) => theirs.validate(compact(number).toUpperCase()).isValid;

/** Returns numbers of a detector's form. */
const numbersOf = (pattern: RegExp, count: number): readonly string[] => {
  const tree = parsePattern(pattern);
  const draw = drawFrom(7);
  return Array.from({ length: count }, () => pattern.exec(` ${grow(tree, draw)}`)?.[0] ?? '').filter(Boolean);
};

describe('numbers of states and registries', () => {
  for (const { kind, pattern, accept, context } of NATIONAL) {
    const isTheirs = judgeOf(THEIRS[kind]);
    if (isTheirs === null) continue;
    it(`pass where stdnum says so: ${kind}${context?.required === true ? ', behind a word' : ''}`, {
      timeout: 60_000,
    }, () => {
      const theirs = numbersOf(pattern, 4000).filter(isTheirs);
      expect(theirs.length).toBeGreaterThan(0);
      // Ours are the looser here and there (birthdays to come, test numbers), and never the stricter.
      expect(theirs.filter((number) => accept?.(number) === 0)).toEqual([]);
    });
  }

  for (const { kind, pattern, accept } of NATIONAL) {
    const isTheirs = judgeOf(LOOSER[kind]);
    if (isTheirs === null) continue;
    it(`pass only where stdnum says so: ${kind}`, () => {
      const ours = numbersOf(pattern, 20_000).filter((number) => accept?.(number) !== 0);
      expect(ours.length).toBeGreaterThan(20);
      expect(ours.filter((number) => !isTheirs(number))).toEqual([]);
    });
  }

  it('fail with any other check digit, nine times in ten', () => {
    for (const [kind, number] of [
      ['ca_sin', '046454286'],
      ['uk_nhs', '9434765919'],
      ['us_aba', '021000021'],
      ['in_aadhaar', '234123412346'],
      ['nl_bsn', '111222333'],
    ] as const) {
      const accept = NATIONAL.find((detector) => detector.kind === kind)?.accept;
      const digits = Array.from({ length: 10 }, (_, digit) => number.slice(0, -1) + String(digit));
      expect(digits.filter((one) => (accept?.(one) ?? 0) > 0)).toEqual([number]);
    }
  });
});
