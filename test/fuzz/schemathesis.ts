/** Schemathesis, which calls an API with requests that its OpenAPI document allows, and with some that it forbids. */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { findTool } from "../support/pypi.ts";
import type { Stage } from "./stage.ts";

export interface Fuzz {
  readonly stage: Stage;
  /** The caller's token. */
  readonly token: string;
  /** The same seed gives the same calls. */
  readonly seed: number;
  /** Calls per endpoint and kind of call, at most. */
  readonly examples: number;
}

const CHECKS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_headers_conformance",
  "response_schema_conformance",
  "negative_data_rejection",
  "unsupported_method",
  "allow_header_conformance",
  "ignored_auth",
  "use_after_free",
];
/** A stream has no end, for which the caller would wait. */
const ENDLESS = "streamSignals";
/** The share of ids that exist: without it most calls would find nothing. */
const KNOWN = 0.7;

/** Runs it to its end. `held`: true when every check passed. */
export async function fuzz({
  stage,
  token,
  seed,
  examples,
}: Fuzz): Promise<{ readonly held: boolean; readonly report: string }> {
  const python = await findTool({
    name: "Schemathesis",
    module: "schemathesis",
    folder: "schemathesis",
    requirements: new URL("requirements.txt", import.meta.url),
    variable: "FUZZ_PYTHON",
  });
  const folder = await mkdtemp(join(tmpdir(), "signalbox-schemathesis-"));
  try {
    const config = join(folder, "schemathesis.toml");
    await writeFile(config, toml(configOf(stage, token)), { mode: 0o600 });
    const flags = [
      ["--checks", CHECKS.join(",")],
      ["--phases", "examples,coverage,fuzzing,stateful"],
      ["--exclude-operation-id", ENDLESS],
      ["--max-examples", String(examples)],
      ["--seed", String(seed)],
      // Without the examples of earlier runs: one seed, one run.
      ["--generation-database", "none"],
      ["--request-timeout", "20"],
    ].flat();
    const command = ["-m", "schemathesis.cli", "--config-file", config, "run", `${stage.url}/openapi.json`, ...flags];
    const child = spawn(python, [...command, "--no-color", "--continue-on-failure"], {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const endWithUs = () => child.kill("SIGKILL");
    process.once("exit", endWithUs);
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    process.off("exit", endWithUs);
    return { held: code === 0, report: `${out}${err}` };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The caller's token, and the ids that exist. */
function configOf({ known, homeserverToken }: Stage, token: string) {
  const { rooms, messages, reactions, users, spareRooms } = known;
  const [user = ""] = users;
  const of = (dictionary: string, probability = KNOWN) => ({ dictionary, probability });
  return {
    "auth.openapi.token": { bearer: token },
    "auth.openapi.homeserver": { bearer: homeserverToken },
    "auth.openapi.homeserverInQuery": { api_key: homeserverToken },
    "dictionaries.rooms": { values: rooms },
    "dictionaries.messages": { values: messages.flatMap((id) => [id, `msg-${id}`, `evt-${id}`]) },
    "dictionaries.reactions": { values: reactions },
    "dictionaries.users": { values: users },
    "dictionaries.spareRooms": { values: spareRooms },
    parameters: {
      "path.roomId": of("rooms"),
      "path.chatId": of("rooms"),
      "path.id": of("messages"),
      "path.eventId": of("messages"),
      "path.userId": of("users"),
      "query.conversation_id": of("rooms"),
      "query.before": of("messages"),
      "body.chatId": of("rooms"),
      "body.room_id": of("rooms"),
      "body.messageId": of("messages"),
      "body.event_id": of("messages"),
      "body.reactionId": of("reactions"),
    },
    // The caller must keep its rooms, memberships and tokens: later calls would find nothing.
    operations: [
      { "include-operation-id": "deleteRoom", parameters: { "path.roomId": of("spareRooms", 1) } },
      {
        "include-operation-id": "removeMember",
        parameters: { "path.roomId": of("spareRooms", 1), "path.userId": of("users", 1) },
      },
      { "include-operation-id": "putMember", parameters: { "path.userId": of("users", 1) } },
      { "include-operation-id": "revokeTokens", parameters: { userId: user } },
    ],
  };
}

type Value = string | number | readonly Value[] | { readonly [key: string]: Value };

/** A table per entry, and per member of a list of them. */
function toml(tables: Readonly<Record<string, Value>>): string {
  const inline = (value: Value): string => {
    if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`;
    if (typeof value !== "object") return JSON.stringify(value);
    return `{ ${pairs(value as Record<string, Value>).join(", ")} }`;
  };
  const pairs = (table: Readonly<Record<string, Value>>): string[] =>
    Object.entries(table).map(([key, value]) => `${JSON.stringify(key)} = ${inline(value)}`);
  return Object.entries(tables)
    .flatMap(([name, value]) =>
      Array.isArray(value)
        ? value.map((each: Value) => [`[[${name}]]`, ...pairs(each as Record<string, Value>)].join("\n"))
        : [[`[${name}]`, ...pairs(value as Record<string, Value>)].join("\n")],
    )
    .join("\n\n");
}
