/** The settings, as CONTRACT section 9 lists them. No other file reads the environment. */
import * as v from "valibot";

/** The kind of a process, which decides on the settings that it needs. */
export type NodeKind = "api" | "gateway" | "standalone";

/** A wrong setting. `message` is one line that names the variable and the values that it takes, never the given one. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** The longest delay that a timer can have. */
const TIMER_MS = 2 ** 31 - 1;
const SECRET_BYTES = 32;
const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

const matching = (pattern: RegExp, takes: string) => v.pipe(v.string(), v.regex(pattern, takes));

function whole(min: number, max: number, standard: number) {
  const takes = `a whole number from ${min} to ${max}`;
  const digits = v.pipe(
    matching(/^\d{1,16}$/, takes),
    v.transform(Number),
    v.minValue(min, takes),
    v.maxValue(max, takes),
  );
  return v.optional(digits, String(standard));
}

/** A token that an Authorization header can carry. */
const BEARER = /^[!-~]{1,4096}$/;

const httpUrl = v.pipe(
  v.string(),
  v.url("an http:// or https:// URL"),
  v.regex(/^https?:/i, "an http:// or https:// URL"),
);

const REDIS_HOST = "[^:@/,\\s]+(:\\d{1,5})?";
const redis = matching(
  new RegExp(`^(redis://${REDIS_HOST}|redis\\+cluster://${REDIS_HOST}(,${REDIS_HOST})*)/?$`),
  "redis://host:port, or redis+cluster://h1:p1,h2:p2,h3:p3",
);

/** A browser's `Origin` has no path, so that an entry with one would never match. */
const origin = v.pipe(
  v.string(),
  v.check(
    (text) => URL.canParse(text) && new URL(text).origin === text.toLowerCase(),
    "origins like https://chat.example.org, with commas between",
  ),
  v.transform((text) => text.toLowerCase()),
);

const origins = v.pipe(
  v.string(),
  v.transform((list) =>
    list
      .split(",")
      .map((each) => each.trim())
      .filter((each) => each !== ""),
  ),
  v.array(origin),
  v.readonly(),
);

/** By their names in the program; `variableOf` gives the names in the environment. */
const Settings = v.object({
  host: v.optional(matching(/^\S+$/, "a host name or an address"), "127.0.0.1"),
  port: whole(0, 65_535, 8080),
  databaseUrl: v.optional(matching(/^postgres(ql)?:\/\/\S+$/, "postgres://…")),
  redisUrl: v.optional(redis),
  dataDir: v.optional(v.string(), "./data"),
  maxSessions: whole(1, 10_000_000, 50_000),
  actionRate: whole(0, 1_000_000, 50),
  actionBurst: whole(1, 1_000_000, 200),
  eventsKeep: whole(0, Number.MAX_SAFE_INTEGER, 10_000),
  eventsKeepDays: whole(0, 36_500, 7),
  jwtSecret: v.optional(
    v.pipe(
      v.string(),
      v.check((secret) => Buffer.byteLength(secret) >= SECRET_BYTES, `a secret of at least ${SECRET_BYTES} bytes`),
    ),
  ),
  jwksUrl: v.optional(httpUrl),
  jwtIssuer: v.optional(v.string()),
  jwtAudience: v.optional(v.string()),
  allowedOrigins: v.optional(origins, ""),
  serverName: v.optional(matching(/^[A-Za-z0-9.:[\]-]{1,230}$/, "a host name, with a port or without"), "localhost"),
  matrixHsUrl: v.optional(httpUrl),
  matrixAsToken: v.optional(matching(BEARER, "a token without white space")),
  matrixHsToken: v.optional(matching(BEARER, "a token without white space")),
  typingTtlMs: whole(1, TIMER_MS, 4000),
  presenceGraceMs: whole(0, TIMER_MS, 5000),
  nodeLeaseMs: whole(100, TIMER_MS, 4000),
  sessionBufferBytes: whole(65_536, 2 ** 30, 1_048_576),
  logLevel: v.optional(v.picklist(LOG_LEVELS, `one of ${LOG_LEVELS.join(", ")}`), "info"),
});

export type Config = Readonly<v.InferOutput<typeof Settings>> & { readonly kind: NodeKind };

/** `databaseUrl` → `DATABASE_URL`. */
const variableOf = (setting: string): string => setting.replaceAll(/[A-Z]/g, "_$&").toUpperCase();

/**
 * Reads and checks the settings of a node of this kind; an empty variable counts as unset. Throws `ConfigError` for the
 * first that is wrong or missing.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>, kind: NodeKind): Config {
  const given = Object.keys(Settings.entries).map((setting) => [setting, env[variableOf(setting)] || undefined]);
  const result = v.safeParse(Settings, Object.fromEntries(given), { abortEarly: true });
  if (!result.success) {
    const [issue] = result.issues;
    throw new ConfigError(`${variableOf(String(issue.path?.[0]?.key))} takes ${issue.message}`);
  }
  const config = { ...result.output, kind };
  if (config.matrixAsToken !== undefined && config.matrixHsUrl === undefined)
    throw new ConfigError(
      "MATRIX_HS_URL is not set: MATRIX_AS_TOKEN is for the homeserver there, as http:// or https:// URL",
    );
  if (kind !== "standalone") requireOutside(config);
  return config;
}

/** Requires the secret, store and engine that nodes share; a standalone node can make its own. */
function requireOutside({ kind, jwtSecret, jwksUrl, databaseUrl, redisUrl }: Config): void {
  const missing = (variable: string, takes: string) =>
    new ConfigError(`${variable} is not set: a node of kind ${kind} takes ${takes}; npm start needs none of this`);
  if (jwtSecret === undefined && jwksUrl === undefined)
    throw missing(
      "JWT_SECRET or JWKS_URL",
      `the secret of at least ${SECRET_BYTES} bytes that its tokens are signed with, or the URL of their key set`,
    );
  if (databaseUrl === undefined) throw missing("DATABASE_URL", "the Postgres that all nodes share, as postgres://…");
  if (redisUrl === undefined)
    throw missing(
      "REDIS_URL",
      "the Redis that all nodes share, as redis://host:port or redis+cluster://h1:p1,h2:p2,h3:p3",
    );
}
