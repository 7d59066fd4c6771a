/**
 * The errors of the API: the `code` of an RFC 9457 problem over HTTP and of an ERROR frame on a socket.
 * CONTRACT section 1, "Errors".
 */
export const PROBLEMS = {
  invalid: { status: 400, title: "The request is not valid" },
  unauthenticated: { status: 401, title: "A valid token is needed" },
  forbidden: { status: 403, title: "This is not allowed" },
  not_found: { status: 404, title: "There is no such thing here" },
  conflict: { status: 409, title: "This does not fit the present state" },
  too_large: { status: 413, title: "The request is too large" },
  rate_limited: { status: 429, title: "Too many requests" },
  internal: { status: 500, title: "Something went wrong on our side" },
  unavailable: { status: 503, title: "This is not available at the moment" },
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

/** One wrong field of an `invalid` request: `path` is dotted ("members.3"), empty for the body as a whole. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

/**
 * The only error type of the domain. `detail` may be shown to any client: it must not hold a secret, a query or the
 * text of a message.
 */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly errors: readonly FieldError[] | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ProblemCode, detail: string, more: { errors?: readonly FieldError[]; retryAfterMs?: number } = {}) {
    super(detail);
    this.name = "Problem";
    this.code = code;
    this.errors = more.errors;
    this.retryAfterMs = more.retryAfterMs;
  }
}

/** `invalid` for one field that no schema covers; an empty `path` is the body as a whole. */
export const invalidField = (path: string, message: string): Problem =>
  new Problem("invalid", `${path || "the body"}: ${message}`, { errors: [{ path, message }] });

/** A problem in the form of RFC 9457, the body of an `application/problem+json` answer. `status` replaces the one of the code. */
export function problemBody({ code, message: detail, errors, retryAfterMs }: Problem, status?: number) {
  const { title, status: standard } = PROBLEMS[code];
  return {
    type: `urn:signalbox:problem:${code}`,
    title,
    status: status ?? standard,
    detail,
    code,
    errors,
    retryAfterMs,
  };
}
