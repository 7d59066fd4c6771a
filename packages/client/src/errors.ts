/** What the server's answers are called (RFC 9457 `code`), and what the SDK says by itself. */
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
  /** `disconnect()` was called before it was committed; it may have been. */
  | "disconnected"
  /** Too many actions wait for a connection. */
  | "queue_full"
  /** A request got no answer: no network, or not a Signalbox. */
  | "network";

/** The one error that the SDK throws, and rejects with. */
export class SignalboxError extends Error {
  readonly code: ErrorCode;
  /** The HTTP status, when there was an answer. */
  readonly status: number | undefined;
  /** Which fields are wrong, with `invalid` over HTTP. */
  readonly errors: readonly { readonly path: string; readonly message: string }[] | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    detail: string,
    more: Partial<Pick<SignalboxError, "status" | "errors" | "retryAfterMs">> = {},
  ) {
    super(detail);
    this.name = "SignalboxError";
    this.code = code;
    this.status = more.status;
    this.errors = more.errors;
    this.retryAfterMs = more.retryAfterMs;
  }
}
