import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const read = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');

interface Locked {
  readonly link?: boolean;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const manifest: { readonly dependencies: Readonly<Record<string, string>> } = JSON.parse(read('package.json'));
const lock: { readonly packages: Readonly<Record<string, Locked>> } = JSON.parse(read('package-lock.json'));
const installed = Object.entries(lock.packages).filter(([path, { link }]) => path.startsWith('node_modules/') && !link);

describe('runtime dependencies', () => {
  it.each(Object.keys(manifest.dependencies))('%s has its line in ADR 0002', (name) => {
    expect(read('docs/adr/0002-dependencies.md')).toContain(`\n| ${name} | `);
  });

  it('have no line in ADR 0002 once they are gone', () => {
    const lines = read('docs/adr/0002-dependencies.md').matchAll(/^\| (@?[a-z][a-z0-9/-]*) \|/gm);
    const names = new Set(Array.from(lines, ([, name]) => name));
    expect(names).toEqual(new Set(['dependency', ...Object.keys(manifest.dependencies)]));
  });

  it('run nothing when they are installed', () => {
    const running = installed.filter(([, { dev, hasInstallScript }]) => dev !== true && hasInstallScript === true);
    expect(running.map(([path]) => path)).toEqual([]);
  });
});

describe('the lock file', () => {
  it('says by hash what every package is, and no registry that it comes from', () => {
    expect(installed.length).toBeGreaterThan(200);
    expect(installed.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([path]) => path)).toEqual(
      [],
    );
    expect(installed.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
  });

  // npm ci refuses a lock file in which one is missing, on every platform.
  it('has the package of every platform of every tool', () => {
    const wanted = Object.values(lock.packages).flatMap(({ optionalDependencies = {} }) =>
      Object.keys(optionalDependencies),
    );
    expect(wanted.filter((name) => !Object.hasOwn(lock.packages, `node_modules/${name}`))).toEqual([]);
  });
});
