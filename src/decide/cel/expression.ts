/** Compiles the nodes of a parsed condition, checking types on the way. */

import { compileHas, compileIndex, compileMember, compileName } from './access.ts';
import { compileCall } from './call.ts';
import { compileAppend, compileComprehension } from './comprehension.ts';
import { compileEquality, compileMembership } from './equality.ts';
import { Fault, TWICE } from './fault.ts';
import { compileConditional, compileEither, compileNotStrictlyFalse } from './logic.ts';
import { type Compiling, type Expr, literalPart, Mistake, type Part, type Scope } from './part.ts';
import { BOOL, DOUBLE, DYN, EMPTY_LIST, INT, join, listOf, mapOf, NULL, STRING } from './type.ts';
import { asKey, kindOf } from './value.ts';

type Kinds = Expr['exprKind'];
type Node<C extends Kinds['case']> = Extract<Kinds, { case: C }>;

/** Returns the part that `expr` is. Throws Mistake. */
export const compileExpression = (compiling: Compiling, expr: Expr, scope: Scope | null): Part => {
  const { exprKind } = expr;
  switch (exprKind.case) {
    case 'constExpr':
      return compileLiteral(compiling, expr, exprKind.value);
    case 'identExpr':
      return compileName(compiling, expr, exprKind.value.name.replace(/^\./, ''), scope);
    case 'selectExpr': {
      const { operand, field, testOnly } = exprKind.value;
      const select = testOnly ? compileHas : compileMember;
      return select(compiling, expr, field, compiling.compile(operand, scope));
    }
    case 'callExpr':
      return compileAnyCall(compiling, expr, exprKind.value, scope);
    case 'listExpr':
      return compileList(compiling, expr, exprKind.value, scope);
    case 'structExpr':
      return compileMap(compiling, expr, exprKind.value, scope);
    case 'comprehensionExpr':
      return compileComprehension(compiling, expr, exprKind.value, scope);
    default:
      throw new Mistake(0, 'expected an expression');
  }
};

const compileLiteral = (compiling: Compiling, expr: Expr, { constantKind }: Node<'constExpr'>['value']): Part => {
  switch (constantKind.case) {
    case 'boolValue':
      return literalPart(BOOL, constantKind.value);
    case 'int64Value':
      return literalPart(INT, constantKind.value);
    case 'doubleValue':
      return literalPart(DOUBLE, constantKind.value);
    case 'stringValue':
      return literalPart(STRING, constantKind.value);
    case 'nullValue':
      return literalPart(NULL, null);
    default:
      throw new Mistake(
        compiling.offset(expr),
        'there are no unsigned integers and no bytes here, because no fact is one',
      );
  }
};

const compileList = (compiling: Compiling, expr: Expr, value: Node<'listExpr'>['value'], scope: Scope | null): Part => {
  if (value.optionalIndices.length > 0) throw new Mistake(compiling.offset(expr), 'there are no optional values here');
  const parts = value.elements.map((element) => compiling.compile(element, scope));
  const [first] = parts;
  // Made anew each time: it may be what a loop appends to.
  if (first === undefined) return { type: EMPTY_LIST, run: () => [] };
  const type = listOf(parts.map((part) => part.type).reduce(join));
  if (parts.every(({ literal }) => literal !== undefined))
    return literalPart(
      type,
      parts.map(({ literal }) => literal),
    );
  const runs = parts.map(({ run }) => run);
  return { type, run: (frame) => runs.map((run) => run(frame)) };
};

const NO_MAP_KEY = new Fault('expected a string, an int or a bool as key');

const keyed = (key: unknown): unknown => {
  const kind = kindOf(key);
  if (kind !== 'string' && kind !== 'int' && kind !== 'bool') throw NO_MAP_KEY;
  return asKey(key);
};

const compileMap = (
  compiling: Compiling,
  expr: Expr,
  value: Node<'structExpr'>['value'],
  scope: Scope | null,
): Part => {
  if (value.messageName !== '') throw new Mistake(compiling.offset(expr), 'there are no messages here');
  const entries = value.entries.map(({ keyKind, value: item, optionalEntry }) => {
    if (keyKind.case !== 'mapKey' || optionalEntry)
      throw new Mistake(compiling.offset(expr), 'expected keys and values');
    return { key: compiling.compile(keyKind.value, scope), item: compiling.compile(item, scope) };
  });
  const keyType = entries.map(({ key }) => key.type).reduce(join, entries[0]?.key.type ?? DYN);
  const itemType = entries.map(({ item }) => item.type).reduce(join, entries[0]?.item.type ?? DYN);
  return {
    type: mapOf(keyType, itemType),
    run: (frame) => {
      const map = new Map<unknown, unknown>();
      for (const { key, item } of entries) {
        const name = keyed(key.run(frame));
        if (map.has(name)) throw TWICE;
        map.set(name, item.run(frame));
      }
      return map;
    },
  };
};

/** Operators that look at more than the types of their operands. */
const compileAnyCall = (
  compiling: Compiling,
  expr: Expr,
  value: Node<'callExpr'>['value'],
  scope: Scope | null,
): Part => {
  const exprs = value.target === undefined ? value.args : [value.target, ...value.args];
  const parts = exprs.map((each) => compiling.compile(each, scope));
  const [a, b, c] = parts;
  const [exprA, exprB] = exprs;
  const name = value.function;
  if (a !== undefined && name === '@not_strictly_false') return compileNotStrictlyFalse(a);
  if (a === undefined || b === undefined || exprA === undefined || exprB === undefined) {
    return compileCall(compiling, expr, { name, isMethod: value.target !== undefined }, parts);
  }
  switch (name) {
    case '_&&_':
      return compileEither(compiling, false, exprs, parts);
    case '_||_':
      return compileEither(compiling, true, exprs, parts);
    case '_?_:_':
      return c === undefined ? a : compileConditional(compiling, exprA, a, b, c);
    case '_==_':
    case '_!=_':
      return compileEquality(compiling, expr, [a, b], [exprA, exprB], name === '_==_');
    case '@in':
      return compileMembership(compiling, expr, [a, b], [exprA, exprB]);
    case '_[_]':
      return compileIndex(compiling, exprB, a, b);
    default: {
      const append =
        name === '_+_' && exprB.exprKind.case === 'listExpr'
          ? compileAppend(a, b, elements(compiling, exprB.exprKind.value, scope))
          : null;
      return append ?? compileCall(compiling, expr, { name, isMethod: value.target !== undefined }, parts);
    }
  }
};

const elements = (
  compiling: Compiling,
  { elements: all }: Node<'listExpr'>['value'],
  scope: Scope | null,
): readonly Part[] => all.map((element) => compiling.compile(element, scope));
