/** The command line of a load run. */
import { parseArgs } from "node:util";

export const USAGE = `npm run load -- --gateway ws://127.0.0.1:8081 [--gateway …] --api http://127.0.0.1:8080 --secret <JWT_SECRET>
  --via socket|api|engine  the way of messages (socket); engine publishes past the store and needs --redis;
                           floor: to the floor program of floor/broadcast.ts, without --api and --secret
  --idle                   no messages: opens the sessions and measures memory; needs --pid
  --sessions 1000          receiving sessions, each of a user of its own
  --rooms 1                rooms (idle: as many as give a room 20 members)
  --rooms-per-user 1       (idle: 5)
  --rate 100               messages a second over all rooms; 0: one after each acknowledgement
  --inflight 64            unacknowledged messages at --rate 0
  --senders 8              authors; with --via socket each has a session, which also receives
  --seconds 10             1 to 120
  --bytes 200              length of a message's text
  --workers 1              receiving processes
  --redis redis://…        the Redis of --via engine
  --pid <pid>              a server process to measure; may be repeated
  --json                   print one line of JSON`;

export interface Flags {
  readonly gateways: readonly string[];
  readonly api: string;
  readonly secret: string;
  readonly via: "socket" | "api" | "engine" | "floor";
  readonly idle: boolean;
  readonly sessions: number;
  readonly rooms: number;
  readonly roomsPerUser: number;
  readonly rate: number;
  readonly inflight: number;
  readonly senders: number;
  readonly seconds: number;
  readonly bytes: number;
  readonly workers: number;
  readonly redis: string | undefined;
  readonly pids: readonly number[];
  readonly json: boolean;
}

/** The default number of members of a room in an idle run. */
const IDLE_MEMBERS = 20;
const LOOPBACK = /^([^@\\]*@)?(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/;

const text = { type: "string" } as const;
const many = { type: "string", multiple: true } as const;
const flag = { type: "boolean", default: false } as const;

/** Reads the command line. Throws an Error with one sentence for a wrong flag. */
export function readFlags(args: readonly string[]): Flags {
  const { values } = parseArgs({
    args: [...args],
    options: {
      gateway: many,
      api: text,
      secret: text,
      via: text,
      idle: flag,
      sessions: text,
      rooms: text,
      "rooms-per-user": text,
      rate: text,
      inflight: text,
      senders: text,
      seconds: text,
      bytes: text,
      workers: text,
      redis: text,
      pid: many,
      json: flag,
    },
  });
  const { idle, redis, json } = values;
  const sessions = whole("sessions", values.sessions, 1000, 1, 50_000);
  const roomsPerUser = whole("rooms-per-user", values["rooms-per-user"], idle ? 5 : 1, 1, 100);
  const enough = Math.max(roomsPerUser, Math.ceil((sessions * roomsPerUser) / IDLE_MEMBERS));
  const rooms = whole("rooms", values.rooms, idle ? enough : roomsPerUser, roomsPerUser, 20_000);
  const via = oneOf("via", values.via ?? "socket", ["socket", "api", "engine", "floor"]);
  const rate = whole("rate", values.rate, 100, 0, 200_000);
  if (via === "engine" && !idle && (redis === undefined || rate === 0))
    throw new Error("--via engine needs --redis and a --rate above 0: nothing acknowledges there");
  if (via === "floor" && !idle && rate === 0)
    throw new Error("--via floor needs a --rate above 0: nothing acknowledges there");
  if (redis !== undefined) loopback("redis", redis, /^redis(\+cluster)?:\/\//);
  const pids = (values.pid ?? []).map((pid) => whole("pid", pid, 0, 1, 2 ** 31));
  if (idle && pids.length === 0) throw new Error("--idle needs --pid");
  return {
    gateways: (values.gateway ?? ["ws://127.0.0.1:8081"]).map((url) => loopback("gateway", url, /^ws:\/\//)),
    api: loopback("api", values.api ?? "http://127.0.0.1:8080", /^http:\/\//),
    secret: via === "floor" ? "" : required("secret", values.secret),
    via,
    idle,
    sessions,
    rooms,
    roomsPerUser,
    rate,
    inflight: whole("inflight", values.inflight, 64, 1, 10_000),
    senders: whole("senders", values.senders, 8, 1, 1000),
    seconds: whole("seconds", values.seconds, 10, 1, 120),
    bytes: whole("bytes", values.bytes, 200, 16, 32_768),
    workers: whole("workers", values.workers, 1, 1, 16),
    redis,
    pids,
    json,
  };
}

function required(name: string, value: string | undefined): string {
  if (value === undefined || value === "") throw new Error(`--${name} is needed`);
  return value;
}

function whole(name: string, value: string | undefined, otherwise: number, least: number, most: number): number {
  const number = value === undefined ? otherwise : Number(value);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw new Error(`--${name} takes a whole number from ${least} to ${most}`);
}

function oneOf<const T extends string>(name: string, value: string, words: readonly T[]): T {
  const word = words.find((each) => each === value);
  if (word === undefined) throw new Error(`--${name} takes ${words.join(", ")}`);
  return word;
}

/** A URL with one or several hosts, all on this machine: a load never goes to another. */
function loopback(name: string, url: string, scheme: RegExp): string {
  if (!scheme.test(url)) throw new Error(`--${name} takes a URL that begins with ${scheme.source.slice(1)}`);
  const hosts = url
    .replace(scheme, "")
    .replace(/[/?#].*$/, "")
    .split(",");
  if (!hosts.every((host) => LOOPBACK.test(host))) throw new Error(`--${name} takes hosts of this machine only`);
  return url.replace(/\/+$/, "");
}
