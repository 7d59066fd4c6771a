/** The server's codes (RFC 9457 `code`), then those of the SDK itself. */
export type ErrorCode =
  | "invalid"
  | "unauthenticated"
  | "forbidden"
  | "not_found"
  | "conflict"
  | "too_large"
  | "rate_limited"
  | "internal"
  | "unavailable"
  /** There is no token: call `setAuth` or `signIn`. */
  | "no_token"
  /** `disconnect()` was called before the action was known to be committed; it may have been. */
  | "disconnected"
  /** Too many actions wait for a connection. */
  | "queue_full"
  /** A request got no answer: there is no network, or the address is not a Signalbox's. */
  | "network";

interface Circumstances extends Partial<Pick<SignalboxError, "status" | "errors" | "retryAfterMs">> {
  /** The request or action that failed: `GET /v1/rooms`, `SEND_MSG <chatId>`. It may hold ids, no tokens and no texts. */
  readonly operation?: string;
}

/**
 * The one error that the SDK throws and rejects with. Its `message` is for logs: the request or action, the HTTP status, the code and
 * the reason, as in `GET /v1/rooms/…/state: 404 not_found: no such room`. It holds no token and no text of a message.
 */
export class SignalboxError extends Error {
  static {
    // Set on prototype and class, not in the constructor: the head of a stack takes it from the one, a console that prints an error of
    // a minified bundle from the other.
    const name = "SignalboxError";
    SignalboxError.prototype.name = name;
    Object.defineProperty(SignalboxError, "name", { value: name });
  }

  readonly code: ErrorCode;
  /** The reason alone, in words that a user can be shown. */
  declare readonly detail: string;
  /** The HTTP status, when there was an answer. */
  declare readonly status: number | undefined;
  /** The fields that are wrong, with `invalid` over HTTP. */
  declare readonly errors: readonly { readonly path: string; readonly message: string }[] | undefined;
  /** With `rate_limited`: the milliseconds after which the request may be sent again. */
  declare readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, detail: string, { operation, ...known }: Circumstances = {}) {
    const kind = known.status === undefined ? code : `${known.status} ${code}`;
    super([operation, kind, detail].filter((part) => part !== undefined).join(": "));
    this.code = code;
    // Not enumerable: the message ends with it, and a console would print it twice.
    Object.defineProperty(this, "detail", { value: detail });
    // A console prints what is there: no property without a value.
    for (const [name, value] of Object.entries(known)) if (value !== undefined) Object.assign(this, { [name]: value });
  }
}
