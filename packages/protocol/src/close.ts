/**
 * The reasons for closing a socket, each with the client's next step. CONTRACT section 4, "Close codes".
 * `resume`: reconnect and resume after a jittered delay. `backoff`: wait first, then as `resume`.
 * `token`: do not reconnect with this token. `stop`: do not reconnect.
 */
export const CLOSE = {
  normal: { code: 1000, next: "stop", reason: "closed" },
  goingAway: { code: 1001, next: "resume", reason: "node going away" },
  nothingSaid: { code: 1005, next: "resume", reason: "" },
  cut: { code: 1006, next: "resume", reason: "" },
  tooLarge: { code: 1009, next: "stop", reason: "frame larger than 256 KiB" },
  restart: { code: 1012, next: "resume", reason: "node restarting" },
  slow: { code: 4001, next: "resume", reason: "slow consumer" },
  heartbeat: { code: 4002, next: "resume", reason: "heartbeat lost" },
  internal: { code: 4003, next: "resume", reason: "internal error" },
  rateLimited: { code: 4029, next: "backoff", reason: "rate limited" },
  unauthenticated: { code: 4401, next: "token", reason: "unauthenticated" },
  forbidden: { code: 4403, next: "token", reason: "forbidden" },
  timeout: { code: 4408, next: "token", reason: "no AUTH or RESUME in time" },
  revoked: { code: 4409, next: "token", reason: "revoked" },
} as const satisfies Record<string, { code: number; next: "resume" | "backoff" | "token" | "stop"; reason: string }>;

export type CloseReason = keyof typeof CLOSE;
