import { Redis } from "ioredis";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A log of failures, at most one a second. Neither the message nor the error holds anything that was sent. */
export type Log = (message: string, error?: Error) => void;

/** The longest time for an answer, in milliseconds. */
export const ANSWER_MS = 500;
/** The time without an answer after which a connection is given up, in milliseconds. */
const SILENCE_MS = 2000;
const LONGEST_BACKOFF_MS = 500;

const OPTIONS = {
  connectTimeout: ANSWER_MS,
  socketTimeout: SILENCE_MS,
  // A connection that this side ends lingers no longer, when the other side does not answer.
  disconnectTimeout: 100,
  maxLoadingRetryTime: LONGEST_BACKOFF_MS,
  // A command that cannot be sent fails at once: no queue grows while Redis is away, and no command is sent twice or late.
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
} as const;

export interface ConnectionEvents {
  /** The connection is up, for the first time or again. */
  up(): void;
  /** The connection broke; it comes back by itself. */
  down(): void;
  failed(error: Error): void;
}

/** A connection to one server. It reconnects for ever, and checks that the server answers. */
export class Connection {
  readonly redis: Redis;
  private silent: boolean = false;
  private beating: boolean = false;
  private corked: boolean = false;
  private closed: boolean = false;

  constructor({ host, port }: Address, events: ConnectionEvents) {
    const retryStrategy = (attempt: number) => Math.min(50 * attempt, LONGEST_BACKOFF_MS);
    this.redis = new Redis({ host, port, ...OPTIONS, retryStrategy });
    this.redis.on("ready", () => {
      this.silent = false;
      this.beating = false;
      events.up();
    });
    this.redis.on("close", () => events.down());
    this.redis.on("error", (error: Error) => events.failed(error));
  }

  /** True while the server is connected and answers. */
  get up(): boolean {
    return this.redis.status === "ready" && !this.silent && !this.closed;
  }

  /** The client, with all commands of a tick in one write: that halves the cost of a publication (6.0 to 3.3 µs, measured). */
  get batched(): Redis {
    const { stream } = this.redis;
    if (!this.corked && stream !== undefined) {
      this.corked = true;
      stream.cork();
      setImmediate(() => {
        this.corked = false;
        stream.uncork();
      });
    }
    return this.redis;
  }

  /**
   * Sends CLIENT INFO and resolves with the reply, or undefined for none. While the command before it has no reply, the server
   * counts as silent. Called every ANSWER_MS.
   */
  async beat(): Promise<string | undefined> {
    if (this.redis.status !== "ready") return undefined;
    if (this.beating) {
      this.silent = true;
      return undefined;
    }
    this.beating = true;
    try {
      const reply = await this.redis.client("INFO");
      this.silent = false;
      return typeof reply === "string" ? reply : undefined;
    } catch {
      return undefined;
    } finally {
      this.beating = false;
    }
  }

  /** Replaces the connection by a new one. */
  renew(): void {
    this.redis.disconnect(true);
  }

  /** Ends the connection for good; resolves once the socket is closed. */
  async close(): Promise<void> {
    this.closed = true;
    const socket = this.redis.stream;
    const open = socket !== undefined && !socket.closed;
    // An error may come before the end. It goes to `failed`, and does not reject this.
    const ended = open ? new Promise((resolve) => socket.once("close", resolve)) : undefined;
    this.redis.disconnect();
    await ended;
  }
}

/** Runs a query over a connection of its own. Rejects when the server does not answer in time. */
export async function queryOnce<T>({ host, port }: Address, query: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis({
    host,
    port,
    ...OPTIONS,
    commandTimeout: ANSWER_MS,
    lazyConnect: true,
    retryStrategy: null,
  });
  redis.on("error", () => {}); // An error rejects `connect` as well.
  try {
    await within(ANSWER_MS, redis.connect());
    return await query(redis);
  } finally {
    redis.disconnect();
  }
}

/** Rejects when `answer` takes longer than `ms`. */
export function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("Redis did not answer in time")), ms);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** True for the answer of a server that another one has the slot. */
export const isMoved = (error: unknown): boolean => error instanceof Error && error.message.startsWith("MOVED ");

/** Passes on at most one message a second, without the command and arguments that ioredis adds to an error. */
export function limitedLog(log: Log | undefined): Log {
  let quietUntil = 0;
  return (message, error) => {
    const now = performance.now();
    if (log === undefined || now < quietUntil) return;
    quietUntil = now + 1000;
    log(message, error && bare(error));
  };
}

function bare(error: Error & { code?: unknown }): Error {
  // A server's error may quote arguments after its first word.
  if (error.name === "ReplyError") return new Error(error.message.split(" ", 1)[0]);
  return new Error(error.message || String(error.code ?? error.name));
}
