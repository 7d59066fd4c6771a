import { describe, expect, it } from "vitest";
import { ConfigError, readConfig } from "./config.ts";

const shared = {
  JWT_SECRET: "a secret of thirty-two bytes or so",
  DATABASE_URL: "postgres://localhost/signalbox",
  REDIS_URL: "redis://localhost:6379",
};

function refusal(
  env: Record<string, string | undefined>,
  kind: "api" | "gateway" | "standalone" = "standalone",
): string {
  try {
    readConfig(env, kind);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error("the config was accepted");
}

describe("readConfig", () => {
  it("has the defaults of the contract, and takes an empty variable for an unset one", () => {
    const config = readConfig({ PORT: "", JWT_SECRET: "", ALLOWED_ORIGINS: "" }, "standalone");
    expect(config).toEqual({
      kind: "standalone",
      host: "127.0.0.1",
      port: 8080,
      dataDir: "./data",
      maxSessions: 50_000,
      actionRate: 50,
      actionBurst: 200,
      eventsKeep: 10_000,
      eventsKeepDays: 7,
      allowedOrigins: [],
      serverName: "localhost",
      typingTtlMs: 4000,
      presenceGraceMs: 5000,
      nodeLeaseMs: 4000,
      sessionBufferBytes: 1_048_576,
      logLevel: "info",
    });
  });

  it("reads every variable under its name", () => {
    const config = readConfig(
      { ...shared, JWKS_URL: "https://id.example/keys", MATRIX_HS_URL: "http://hs:8008", TYPING_TTL_MS: "200" },
      "api",
    );
    expect(config).toMatchObject({
      kind: "api",
      jwtSecret: shared.JWT_SECRET,
      databaseUrl: shared.DATABASE_URL,
      redisUrl: shared.REDIS_URL,
      jwksUrl: "https://id.example/keys",
      matrixHsUrl: "http://hs:8008",
      typingTtlMs: 200,
    });
  });

  it("takes several origins", () => {
    const { allowedOrigins } = readConfig(
      { ALLOWED_ORIGINS: "https://a.example, HTTP://localhost:5173," },
      "standalone",
    );
    expect(allowedOrigins).toEqual(["https://a.example", "http://localhost:5173"]);
  });

  it.each([
    ["PORT", "65536", "a whole number from 0 to 65535"],
    ["PORT", "80a", "a whole number from 0 to 65535"],
    ["MAX_SESSIONS", "0", "a whole number from 1 to"],
    ["ACTION_RATE", "-1", "a whole number from 0 to"],
    ["TYPING_TTL_MS", "2147483648", "a whole number from 1 to 2147483647"],
    ["EVENTS_KEEP", "9999999999999999", "a whole number from 0 to"],
    ["JWT_SECRET", "31 bytes are not enough for it.", "a secret of at least 32 bytes"],
    ["JWKS_URL", "file:///etc/passwd", "an http:// or https:// URL"],
    ["DATABASE_URL", "mysql://localhost", "postgres://…"],
    ["REDIS_URL", "localhost:6379", "redis://host:port, or redis+cluster://h1:p1,h2:p2,h3:p3"],
    ["ALLOWED_ORIGINS", "https://a.example/path", "origins like https://chat.example.org, with commas between"],
    ["REDIS_URL", "redis://a:1,b:2", "redis://host:port"],
    ["REDIS_URL", "redis://user:hunter2@localhost", "redis://host:port"],
    ["ALLOWED_ORIGINS", "*", "origins like"],
    ["SERVER_NAME", "two words", "a host name"],
    ["MATRIX_HS_URL", "hs:8008", "an http:// or https:// URL"],
    ["MATRIX_HS_TOKEN", "two words", "a token without white space"],
    ["MATRIX_AS_TOKEN", "two words", "a token without white space"],
    ["LOG_LEVEL", "loud", "one of fatal, error, warn, info, debug, trace, silent"],
  ])("refuses %s=%s in one line that says what it takes", (variable, value, takes) => {
    const message = refusal({ [variable]: value });
    expect(message).toContain(`${variable} takes ${takes}`);
    expect(message).not.toContain("\n");
  });

  it.each(["redis://localhost", "redis://10.0.0.1:6379/", "redis+cluster://a:1", "redis+cluster://a:1,b:2,c:3"])(
    "takes %s",
    (url) => {
      expect(readConfig({ REDIS_URL: url }, "standalone").redisUrl).toBe(url);
    },
  );

  it("never prints what was given: it may be a secret", () => {
    expect(refusal({ JWT_SECRET: "hunter2" })).not.toContain("hunter2");
    expect(refusal({ DATABASE_URL: "mysql://u:hunter2@h" })).not.toContain("hunter2");
  });

  it.each([
    ["JWT_SECRET", "JWT_SECRET or JWKS_URL is not set"],
    ["DATABASE_URL", "DATABASE_URL is not set"],
    ["REDIS_URL", "REDIS_URL is not set"],
  ])("starts no api and no gateway without %s", (variable, message) => {
    for (const kind of ["api", "gateway"] as const)
      expect(refusal({ ...shared, [variable]: "" }, kind)).toContain(message);
  });

  it("takes no token for a homeserver that it is not told of; a homeserver without a token is one that it cannot write to", () => {
    const message = refusal({ MATRIX_AS_TOKEN: "hunter2" });
    expect(message).toContain("MATRIX_HS_URL is not set");
    expect(message).not.toContain("hunter2");
    const url = { MATRIX_HS_URL: "http://hs:8008" };
    expect(readConfig(url, "standalone").matrixAsToken).toBeUndefined();
    expect(readConfig({ ...url, MATRIX_AS_TOKEN: "hunter2" }, "standalone").matrixAsToken).toBe("hunter2");
  });

  it("takes a key set in place of a secret", () => {
    expect(
      readConfig({ ...shared, JWT_SECRET: "", JWKS_URL: "https://id.example/keys" }, "gateway").jwtSecret,
    ).toBeUndefined();
  });
});
