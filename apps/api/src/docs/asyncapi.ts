/** `/asyncapi.json`: the WebSocket, made of the schemas of all frames and of the test vectors of the wire. */
import { readFileSync } from "node:fs";
import { CLOSE } from "@signalbox/protocol/close";
import { DurableEvent, SessionFrame, Signal } from "@signalbox/protocol/down";
import { Action, Control, Ref } from "@signalbox/protocol/up";
import type { JsonSchema } from "@valibot/to-json-schema";
import type { GenericSchema, LiteralSchema } from "valibot";
import { ACTION_WORDS, CONTROL_WORDS, EVENT_WORDS, SESSION_WORDS, SIGNAL_WORDS } from "./frames.ts";
import { givenJson, schemasIn, takenJson } from "./json-schema.ts";

export interface Message {
  readonly name: string;
  readonly summary: string;
  readonly payload: JsonSchema;
  readonly examples: readonly { readonly name: string; readonly payload: object }[];
}

interface Frames {
  readonly options: readonly (GenericSchema & {
    readonly entries: { readonly type: LiteralSchema<string, undefined> };
  })[];
}

/** The frames of one direction and kind, by type. */
interface Group {
  readonly summary: string;
  readonly action: "send" | "receive";
  readonly messages: Readonly<Record<string, Message>>;
}

const INTRODUCTION = `Every event of the user's rooms, in order, on one WebSocket.

The token comes in the \`Authorization\` header; or, from a browser, in the subprotocols \`signalbox.v1\` and \`bearer.<JWT>\`; or in an \`AUTH\` frame within 5 seconds. READY comes first. With \`?resume=1\` nothing else comes before the client's RESUME with its cursors; then all missed events come, in order, and RESUMED.

A durable event has the next \`seq\` of its room, without a gap, and a \`mark\`, a random number of its own. Both name the event in a cursor, \`<seq>-<mark>\`. A signal has none and is never replayed. Any frame may carry a \`ref\`, and its answer repeats it. A frame holds at most 256 KiB.`;

export type AsyncApi = ReturnType<typeof createAsyncApi>;

/** Reads the vectors, so it is called once. */
export function createAsyncApi() {
  const groups = groupsOf();
  const messages = Object.assign({}, ...Object.values(groups).map((group) => group.messages)) as Group["messages"];
  return {
    asyncapi: "3.0.0",
    info: { title: "Signalbox, realtime", version: "1", description: INTRODUCTION },
    defaultContentType: "application/json",
    servers: {
      gateway: {
        host: "{host}",
        protocol: "wss",
        description: "Any gateway.",
        variables: { host: { default: "localhost:8080" } },
        security: [{ type: "http", scheme: "bearer", bearerFormat: "JWT" }],
      },
    },
    channels: { realtime: channelOf(messages) },
    operations: Object.fromEntries(Object.entries(groups).map(([name, group]) => [name, operationOf(group)])),
    components: { messages, schemas: schemasIn(messages) },
    "x-close-codes": Object.values(CLOSE),
  };
}

function groupsOf(): Record<"act" | "control" | "event" | "signal" | "session", Group> {
  const up = examplesIn("up");
  const down = examplesIn("events");
  const sent = (type: string, schema: GenericSchema) => ({
    payload: { allOf: [takenJson(schema), { type: "object", properties: { ref: takenJson(Ref) } }] } as JsonSchema,
    examples: up(type),
  });
  const received = (type: string, schema: GenericSchema, examples = down) => ({
    payload: givenJson(schema),
    examples: examples(type),
  });
  const session = examplesIn("session");
  return {
    act: group("receive", "Act in a room", "up", Action, ACTION_WORDS, sent),
    control: group("receive", "Control the session", "up", Control, CONTROL_WORDS, sent),
    event: group("send", "Durable events, with a seq and a mark", "down", DurableEvent, EVENT_WORDS, received),
    signal: group("send", "Signals: the present state", "down", Signal, SIGNAL_WORDS, received),
    session: group("send", "Frames about the session", "down", SessionFrame, SESSION_WORDS, (type, schema) =>
      received(type, schema, session),
    ),
  };
}

function group(
  action: Group["action"],
  summary: string,
  direction: "up" | "down",
  frames: Frames,
  words: Readonly<Record<string, string>>,
  describe: (type: string, schema: GenericSchema) => Pick<Message, "payload" | "examples">,
): Group {
  const messages = frames.options.map((schema) => {
    const name = schema.entries.type.literal;
    return [`${direction}.${name}`, { name, summary: words[name] ?? "", ...describe(name, schema) }] as const;
  });
  return { action, summary, messages: Object.fromEntries(messages) };
}

/** Returns a look-up of a frame's examples by its type, as they stand on the wire. */
function examplesIn(file: "up" | "events" | "session"): (type: string) => Message["examples"] {
  // The vectors lie beside `src` and beside `dist`.
  const url = new URL(`../vectors/${file}.json`, import.meta.resolve("@signalbox/protocol/up"));
  const vectors = JSON.parse(readFileSync(url, "utf8")) as { name: string; wire: string }[];
  const examples = vectors.map(({ name, wire }) => ({ name, payload: JSON.parse(wire) as { type: string } }));
  return (type) => examples.filter(({ payload }) => payload.type === type);
}

const channelOf = (messages: Group["messages"]) => ({
  address: "/realtime",
  description: "One socket per device. Protocol pings come every `heartbeatMs`.",
  messages: Object.fromEntries(Object.keys(messages).map((key) => [key, { $ref: `#/components/messages/${key}` }])),
  bindings: {
    ws: {
      method: "GET",
      query: { type: "object", properties: { resume: { type: "string", const: "1" } } },
      bindingVersion: "0.1.0",
    },
  },
});

const operationOf = ({ action, summary, messages }: Group) => {
  const channel = { $ref: "#/channels/realtime" };
  const inChannel = (key: string) => ({ $ref: `#/channels/realtime/messages/${key}` });
  const answers = ["down.ACK", "down.ERROR", "down.PONG"].map(inChannel);
  return {
    action,
    summary,
    channel,
    messages: Object.keys(messages).map(inChannel),
    ...(action === "receive" ? { reply: { channel, messages: answers } } : {}),
  };
};
