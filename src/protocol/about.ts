/** What a codec tells people about its protocol: docs/protocols.md is written from it. */

import type { Row } from './operations.ts';

/** How one client is pointed at a service. */
export interface Client {
  readonly name: string;
  /** Its base URL, for a service named `NAME` on a gateway at `http://HOST`. */
  readonly url: string;
  /** Where it puts the token. */
  readonly token: string;
}

/** Where the exchanges that a codec is tested with come from; `unproven` when they are our own idea of the protocol. */
export type Witness =
  | { readonly kind: 'unproven' }
  | {
      readonly kind: 'proven';
      /** Real servers, official clients and published specifications. */
      readonly by: readonly string[];
    };

/** A protocol in the words of its codec. */
export interface About {
  readonly title: string;
  /** None where any method and path is an operation. */
  readonly operations: readonly Row[];
  /** Where a request names its model. */
  readonly model: string;
  /** What of a request and an answer is read, and so inspected and masked. */
  readonly reads: string;
  /** What passes unseen, or is withheld when an answer is masked. */
  readonly limits: string;
  readonly clients: readonly Client[];
  readonly witness: Witness;
}
