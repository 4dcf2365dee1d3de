/**
 * What every match of a pattern must hold somewhere: three units in a row that texts seldom have, at a bounded distance
 * from where the match begins, or a long run of the units of tokens. The scan looks for these first (marks.ts), so what
 * is chosen here decides how much of a text is looked at and never what is found in it.
 *
 * All of it is derived from the syntax trees. A pattern is read as chains of links; where a link that is always there
 * goes on or ends, it is known what follows, and of all such places the one is chosen that costs the least.
 */

import { everyNode, widthOf } from './shape.ts';
import { Recent } from './recent.ts';
import { type Node, parsePattern } from './syntax.ts';
import { ALL, complement, MOST_SETS, NONE, OTHER, symbolsIn, type UnitSet } from './unit-set.ts';

/** A stretch of `min` to `max` units that are all in one set. */
interface Link {
  readonly units: UnitSet;
  readonly min: number;
  readonly max: number;
}

type Chain = readonly Link[];

/** Three units in a row; the first stands `from` to `to` units from the start of the match (below 0: to its left). */
export interface UnitsTrigger {
  readonly kind: 'units';
  readonly first: UnitSet;
  readonly second: UnitSet;
  readonly third: UnitSet;
  readonly from: number;
  readonly to: number;
}

/** A match begins with RUN units of tokens. */
interface RunTrigger {
  readonly kind: 'run';
}

export type Trigger = UnitsTrigger | RunTrigger;

/** Units no farther than this from the start of their match are of use. */
export const FARTHEST = 31;

/** A run of tokens' units, and how many make one: words of languages are shorter. */
export const RUN = 16;
const RUN_NODE = parsePattern(/[A-Za-z0-9_+/-]/);
export const RUN_UNITS: UnitSet = RUN_NODE.kind === 'set' ? RUN_NODE.units : NONE;

/** As many ways through a pattern are told apart. */
const MOST = 96;

/** Returns the one link that stands for all of `node`. */
const blurred = (node: Node): Chain => {
  const { min, max } = widthOf(node);
  if (max === 0) return [];
  return [
    { units: everyNode(node).reduce((all, one) => (one.kind === 'set' ? all | one.units : all), NONE), min, max },
  ];
};

const joined = (heads: readonly Chain[], tails: readonly Chain[]): readonly Chain[] =>
  heads.flatMap((head) => tails.map((tail) => [...head, ...tail]));

const repeatChains = (node: Node & { kind: 'repeat' }, most: number): readonly Chain[] => {
  const { item, min, max } = node;
  if (item.kind === 'set') return [[{ units: item.units, min, max }]];
  if (max === 1) return most < 2 ? [blurred(node)] : [[], ...chainsOf(item, most - 1)];
  const once = chainsOf(item, most);
  if (min === 0 || once.length > 1) return [blurred(node)];
  // One pass is enough to choose from; of the others, where they end counts.
  const others = blurred({ ...node, min: min - 1, max: max - 1 });
  return once.map((pass) => [...pass, ...others]);
};

/** Returns the ways through `node` that consume, as chains, at most `most` of them; what lookarounds ask is left out. */
const chainsOf = (node: Node, most: number): readonly Chain[] => {
  switch (node.kind) {
    case 'set':
      return [[{ units: node.units, min: 1, max: 1 }]];
    case 'look':
      return [[]];
    case 'repeat':
      return repeatChains(node, most);
    case 'alt':
      if (most < node.options.length) return [blurred(node)];
      return within(most, node.options, (counts) => counts.reduce((sum, count) => sum + count, 0)).flat();
  }
  return within(most, node.items, (counts) => counts.reduce((product, count) => product * count, 1)).reduce(joined, [
    [],
  ]);
};

/** Returns the chains of each node, fewer of those with the most, so that what `total` makes of their counts is at most `most`. */
const within = (
  most: number,
  nodes: readonly Node[],
  total: (counts: readonly number[]) => number,
): readonly (readonly Chain[])[] => {
  const chains = nodes.map((node) => chainsOf(node, most));
  for (;;) {
    const counts = chains.map(({ length }) => length);
    if (total(counts) <= most) return chains;
    const widest = counts.indexOf(Math.max(...counts));
    const node = nodes[widest];
    if (node !== undefined) chains[widest] = chainsOf(node, Math.floor((counts[widest] ?? 2) / 2));
  }
};

/** How often texts have each unit, roughly: prose, and the code and JSON among it. */
const SHARES = ((): Float64Array => {
  const shares = new Float64Array(128).fill(0.0008);
  const share = (units: string, each: number): void => {
    for (const unit of units) shares[unit.charCodeAt(0)] = each;
  };
  Array.from('etaoinshrdlucmwfgypbvkjxqz').forEach((unit, at) => share(unit, 0.095 / (1 + at * 0.16)));
  share('ABCDEFGHIJKLMNOPQRSTUVWXYZ', 0.0016);
  share('0123456789', 0.003);
  share(' ', 0.17);
  share('\n.,"', 0.012);
  share(":'-_/()=", 0.005);
  shares[OTHER] = 0.02;
  return shares;
})();

const shares = new Recent<UnitSet, number>(MOST_SETS);

const shareOf = (units: UnitSet): number =>
  units === ALL ? 1 : shares.of(units, () => symbolsIn(units).reduce((sum, symbol) => sum + (SHARES[symbol] ?? 0), 0));

/** What two units cost that are not followed by the third, beside a place that is worth a look. */
const PAIR_COST = 0.1;

/** What a trigger costs: how often it is met, by how many places each time makes worth a look. */
const costOf = (trigger: Trigger): number => {
  if (trigger.kind === 'run') return 0.0005;
  const { first, second, third, from, to } = trigger;
  // The nearer, the sooner a stream knows.
  const each = PAIR_COST + shareOf(third) * (1 + (to - from) / 4) * (1 + Math.max(0, to) / 40);
  return shareOf(first) * shareOf(second) * each;
};

/** Returns the units that may follow when link `at` is over: of the next link that is always there and those ahead of it. */
const following = (chain: Chain, at: number, behind: UnitSet): UnitSet => {
  let units = NONE;
  for (let next = at + 1; next < chain.length; next++) {
    units |= chain[next]?.units ?? NONE;
    if ((chain[next]?.min ?? 0) > 0) return units;
  }
  return units | behind;
};

/** Returns the units that may follow the first `taken` units of link `at`. */
const followingIn = (chain: Chain, at: number, taken: number): UnitSet => {
  const { units, min, max } = chain[at] ?? NO_LINK;
  if (taken < min) return units;
  return (taken < max ? units : NONE) | following(chain, at, ALL);
};

const NO_LINK: Link = { units: ALL, min: 0, max: 0 };

/** Returns the units that may stand two places behind link `at`. */
const secondFollowing = (chain: Chain, at: number): UnitSet => {
  let units = NONE;
  for (let next = at + 1; next < chain.length; next++) {
    units |= followingIn(chain, next, 1);
    if ((chain[next]?.min ?? 0) > 0) return units;
  }
  return ALL;
};

/** Returns three units in a row wherever a chain surely has some, with the distance of the first from its beginning. */
const unitsIn = (chain: Chain, behind: UnitSet): readonly UnitsTrigger[] => {
  const found: UnitsTrigger[] = [];
  let least = 0;
  let most = 0;
  chain.forEach(({ units, min, max }, at) => {
    if (min >= 2) {
      const third = followingIn(chain, at, 2);
      found.push({ kind: 'units', first: units, second: units, third, from: least, to: most });
    }
    least += min;
    most += max;
    if (min === 0) return;
    const second = following(chain, at, behind);
    const third = secondFollowing(chain, at);
    found.push({ kind: 'units', first: units, second, third, from: least - 1, to: most - 1 });
  });
  return found;
};

const beginsWithRun = (chain: Chain): boolean => {
  let count = 0;
  for (const { units, min, max } of chain) {
    if ((units & ~RUN_UNITS) !== NONE) return false;
    count += min;
    if (count >= RUN) return true;
    // Optional units are in the run or leave it to the next.
    if (max > min) continue;
  }
  return false;
};

const idOf = (trigger: Trigger): string =>
  trigger.kind === 'run' ? 'run' : `${trigger.first} ${trigger.second} ${trigger.third} ${trigger.from} ${trigger.to}`;

/** Many patterns share a trigger: it is one object for all of them. */
const interned = new Recent<string, Trigger>(MOST_SETS);

interface Choice {
  readonly triggers: readonly Trigger[];
  readonly cost: number;
}

const NO_CHOICE: Choice = { triggers: [], cost: Infinity };

/** Makes every place worth a look: for ways of which nothing better is near enough. */
export const ANYWHERE: UnitsTrigger = { kind: 'units', first: ALL, second: ALL, third: ALL, from: 0, to: 0 };

/** Returns a choice of triggers such that each way has one of its own, cheap ones that many ways share first. */
const cover = (ways: readonly (readonly Trigger[])[]): Choice => {
  const offers = new Map<
    string,
    { readonly id: string; readonly trigger: Trigger; readonly cost: number; readonly ways: Set<number> }
  >();
  ways.forEach((triggers, way) => {
    for (const trigger of [...triggers, ANYWHERE]) {
      if (trigger.kind === 'units' && (trigger.to > FARTHEST || trigger.from < -FARTHEST)) continue;
      const id = idOf(trigger);
      const offer = offers.get(id) ?? { id, trigger, cost: costOf(trigger), ways: new Set() };
      offers.set(id, offer);
      offer.ways.add(way);
    }
  });
  const chosen: Trigger[] = [];
  let total = 0;
  for (let open = new Set(ways.keys()); open.size > 0; ) {
    let best = null;
    let least = Infinity;
    for (const offer of offers.values()) {
      const each = offer.cost / offer.ways.intersection(open).size;
      if (each < least) [best, least] = [offer, each];
    }
    if (best === null) return NO_CHOICE;
    const { id, trigger } = best;
    chosen.push(interned.of(id, () => trigger));
    total += best.cost;
    open = open.difference(best.ways);
  }
  return { triggers: chosen, cost: total };
};

const all = (choices: readonly Choice[]): Choice => ({
  triggers: choices.flatMap(({ triggers }) => triggers),
  cost: choices.reduce((sum, { cost }) => sum + cost, 0),
});

const cheaper = (a: Choice, b: Choice): Choice => (b.cost < a.cost ? b : a);

const inBody = (chains: readonly Chain[]): Choice =>
  cover(chains.map((chain) => [...unitsIn(chain, ALL), ...(beginsWithRun(chain) ? [{ kind: 'run' } as const] : [])]));

/** The same for what stands to the left: there, distances count back from the start of the match. */
const inLeft = (chains: readonly Chain[], first: UnitSet): Choice =>
  cover(
    chains.map((chain) => {
      const least = chain.reduce((sum, { min }) => sum + min, 0);
      const most = chain.reduce((sum, { max }) => sum + max, 0);
      return unitsIn(chain, first).map((units) => ({ ...units, from: units.to - most, to: units.from - least }));
    }),
  );

const chainsOfLookbehind = ({ body, negative }: Node & { kind: 'look' }): readonly Chain[] => {
  if (!negative) return chainsOf(body, MOST);
  const options = body.kind === 'alt' ? body.options : [body];
  const forbidden = options.reduce((units, option) => (option.kind === 'set' ? units | option.units : units), NONE);
  return [[{ units: complement(forbidden), min: 1, max: 1 }]];
};

/** Returns the cheapest choice to the left of a match of `node` that begins with one of `first`. */
const choiceLeft = (node: Node, first: UnitSet): Choice => {
  switch (node.kind) {
    case 'set':
    case 'repeat':
      return NO_CHOICE;
    case 'look':
      return node.ahead ? NO_CHOICE : inLeft(chainsOfLookbehind(node), first);
    case 'alt':
      return all(node.options.map((option) => choiceLeft(option, first)));
  }
  let best = NO_CHOICE;
  for (const item of node.items) {
    best = cheaper(best, choiceLeft(item, first));
    if (widthOf(item).max > 0) break;
  }
  return best;
};

/** Returns triggers of which one is met wherever the pattern matches; `first`: what a match may begin with. */
export const triggersOf = (tree: Node, first: UnitSet): readonly Trigger[] =>
  cheaper(inBody(chainsOf(tree, MOST)), choiceLeft(tree, first)).triggers;
