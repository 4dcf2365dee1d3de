/** Finds the service that a request is addressed to: by listener, by host, or by the first path segment. */

import type { Config } from '../config.ts';

/** Where a request goes: the service, and the protocol's native path. */
export interface Route<S> {
  readonly service: S;
  readonly path: string;
}

/** What routing needs to know of a service. */
interface Addressed {
  readonly config: Config['services'][number];
}

/** Compiled routes of one config. */
export interface Routes<S> {
  /** Returns where a request goes, or null. `listener` is the service that the listener is bound to; empty for none. */
  find(listener: string, host: string, path: string): Route<S> | null;
}

/** Returns routes over `services`; work at load, so that a request costs one or two map lookups. */
export function compileRoutes<S extends Addressed>(services: readonly S[]): Routes<S> {
  const byName = new Map(services.map((service) => [service.config.name, service]));
  const byHost = new Map(
    services.flatMap((service) =>
      service.config.host === undefined ? [] : [[service.config.host.toLowerCase(), service]],
    ),
  );

  return {
    find(listener, host, path) {
      const bound = listener === '' ? byHost.get(host) : byName.get(listener);
      if (bound !== undefined) return { service: bound, path };
      if (listener !== '') return null;
      const end = path.indexOf('/', 1);
      const service = byName.get(end === -1 ? path.slice(1) : path.slice(1, end));
      if (service === undefined) return null;
      return { service, path: end === -1 ? '/' : path.slice(end) };
    },
  };
}
