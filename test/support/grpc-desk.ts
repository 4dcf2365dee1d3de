/** A real gRPC server of the desk service (grpc-js), which does as its letters say, and a client for it. */

import { setTimeout as later } from 'node:timers/promises';
import {
  type ChannelCredentials,
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  type ServiceError,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { loadProto } from '../kit/proto.ts';

/** A message of desk.proto; what is left out has its default. */
export interface Letter {
  readonly model?: string;
  readonly text?: string;
  readonly lines?: readonly string[];
  readonly blob?: Buffer;
  readonly tags?: Readonly<Record<string, string>>;
  readonly inner?: Letter;
  readonly parts?: readonly Letter[];
  readonly max_tokens?: number;
}

const definitions = loadProto('desk');

const isService = (found: unknown): found is ServiceDefinition =>
  typeof found === 'object' && found !== null && 'Ask' in found;

const service = definitions['desk.v1.Desk'];
if (!isService(service)) throw new Error('expected desk.v1.Desk');
const DESK: ServiceDefinition = service;

/** What the server saw of one call. */
export interface SeenCall {
  readonly path: string;
  readonly metadata: Metadata;
  readonly letters: Letter[];
  cancelled: boolean;
  deadline: number | null;
}

/** The server. */
export interface DeskServer {
  readonly port: number;
  readonly calls: SeenCall[];
  close(): Promise<void>;
}

type Call =
  | ServerUnaryCall<Letter, Letter>
  | ServerReadableStream<Letter, Letter>
  | ServerWritableStream<Letter, Letter>
  | ServerDuplexStream<Letter, Letter>;

/** Returns the answer to a letter: its text behind `re: `, its blob as it is. */
const answerTo = (letter: Letter): Letter => ({
  text: `re: ${letter.text ?? ''}`,
  ...(letter.blob === undefined || letter.blob.length === 0 ? {} : { blob: letter.blob }),
});

const trailersOf = (): Metadata => {
  const trailers = new Metadata();
  trailers.add('x-trailer', 'one');
  trailers.add('x-trailer', 'two');
  trailers.add('x-trailer-bin', Buffer.from([0, 1, 254, 255]));
  return trailers;
};

/** Returns the error that a letter asks for with `fail CODE`; null for none. */
function failureIn(letter: Letter | undefined): Partial<ServiceError> | null {
  const [, code] = /^fail (\d+)/.exec(letter?.text ?? '') ?? [];
  return code === undefined
    ? null
    : { code: Number(code), details: 'as you wish: ü% anna@example.com', metadata: trailersOf() };
}

/** Starts the server on a free port of 127.0.0.1. */
export async function startDesk(options: { readonly more?: (server: Server) => void } = {}): Promise<DeskServer> {
  const calls: SeenCall[] = [];
  const see = (call: Call): SeenCall => {
    const deadline = call.getDeadline();
    const seen: SeenCall = {
      path: call.getPath(),
      metadata: call.metadata,
      letters: [],
      cancelled: false,
      deadline: typeof deadline === 'number' && Number.isFinite(deadline) ? deadline - Date.now() : null,
    };
    calls.push(seen);
    const cancelled = (): void => {
      seen.cancelled = true;
    };
    // each kind of call has this event; their types do not say so together
    if ('request' in call && 'write' in call) call.on('cancelled', cancelled);
    else if ('request' in call) call.on('cancelled', cancelled);
    else if ('write' in call) call.on('cancelled', cancelled);
    else call.on('cancelled', cancelled);
    const head = new Metadata();
    head.set('x-head', 'seen');
    for (const value of call.metadata.get('x-echo')) head.add('x-echo', value);
    for (const value of call.metadata.get('x-echo-bin')) head.add('x-echo-bin', value);
    call.sendMetadata(head);
    return seen;
  };
  const server = new Server({
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
  });
  server.addService(DESK, {
    Ask(call: ServerUnaryCall<Letter, Letter>, done: sendUnaryData<Letter>) {
      const failure = failureIn(call.request);
      if (failure !== null && call.request.text?.endsWith('at once') === true) return done(failure);
      const seen = see(call);
      seen.letters.push(call.request);
      if (failure !== null) return done(failure);
      if (call.request.text === 'sleep') return;
      done(null, answerTo(call.request), trailersOf());
    },
    Gather(call: ServerReadableStream<Letter, Letter>, done: sendUnaryData<Letter>) {
      const { letters } = see(call);
      call.on('data', (letter: Letter) => letters.push(letter));
      call.on('end', () => done(null, { text: letters.map(({ text }) => text).join(' ') }, trailersOf()));
    },
    async Spread(call: ServerWritableStream<Letter, Letter>) {
      const seen = see(call);
      seen.letters.push(call.request);
      for (const line of call.request.lines ?? []) {
        if (seen.cancelled) return;
        if (line === 'wait') await later(30);
        if (line === 'sleep') return;
        if (!call.write(answerTo({ text: line }))) await new Promise((resolve) => call.once('drain', resolve));
      }
      const failure = failureIn(call.request);
      if (failure !== null) call.emit('error', failure);
      else call.end(trailersOf());
    },
    Talk(call: ServerDuplexStream<Letter, Letter>) {
      const seen = see(call);
      call.on('data', (letter: Letter) => {
        seen.letters.push(letter);
        const failure = failureIn(letter);
        if (failure !== null) call.emit('error', failure);
        else if (!call.write(answerTo(letter))) {
          call.pause();
          call.once('drain', () => call.resume());
        }
      });
      call.on('end', () => call.end(trailersOf()));
    },
  });
  options.more?.(server);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return {
    port,
    calls,
    close: () => {
      server.forceShutdown();
      return Promise.resolve();
    },
  };
}

/** What a call came to. */
export interface Outcome {
  readonly letters: readonly Letter[];
  readonly code: number;
  readonly details: string;
  readonly head: Metadata | null;
  readonly trailers: Metadata;
}

/** How a call is made. */
export interface Making {
  readonly metadata?: Metadata;
  readonly deadline?: number;
  /** Milliseconds after which the call is cancelled. */
  readonly cancelAfter?: number;
  /** The call is cancelled once so many letters have come. */
  readonly cancelAt?: number;
}

/** A client of the desk service. */
export interface DeskClient {
  readonly client: Client;
  call(method: 'Ask' | 'Gather' | 'Spread' | 'Talk', letters: readonly Letter[], making?: Making): Promise<Outcome>;
  close(): void;
}

/** Returns a client that connects to `address`. */
export function deskClient(
  address: string,
  options: ConstructorParameters<typeof Client>[2] = {},
  channel: ChannelCredentials = credentials.createInsecure(),
): DeskClient {
  const client = new Client(address, channel, {
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
    ...options,
  });
  return {
    client,
    close: () => client.close(),
    call(name, letters, { metadata = new Metadata(), deadline, cancelAfter, cancelAt } = {}) {
      const method = DESK[name];
      if (method === undefined) throw new Error(`no method ${name}`);
      const call = client.makeBidiStreamRequest<Letter, Letter>(
        method.path,
        method.requestSerialize,
        // the definition's own reader, whose type is that of any message
        method.responseDeserialize as (bytes: Buffer) => Letter,
        metadata,
        deadline === undefined ? {} : { deadline: Date.now() + deadline },
      );
      const got: Letter[] = [];
      let head: Metadata | null = null;
      call.on('metadata', (found: Metadata) => {
        head = found;
      });
      call.on('data', (letter: Letter) => {
        if (got.push(letter) === cancelAt) call.cancel();
      });
      call.on('error', () => {});
      if (cancelAfter !== undefined) setTimeout(() => call.cancel(), cancelAfter);
      const outcome = new Promise<Outcome>((resolve) =>
        call.on('status', ({ code, details, metadata: trailers }) =>
          resolve({ letters: got, code, details, head, trailers }),
        ),
      );
      void send(call, letters);
      return outcome;
    },
  };
}

async function send(
  call: { write(letter: Letter): boolean; end(): void; once(event: 'drain', then: () => void): unknown },
  letters: readonly Letter[],
): Promise<void> {
  for (const letter of letters)
    if (!call.write(letter)) await new Promise<void>((resolve) => call.once('drain', resolve));
  call.end();
}
