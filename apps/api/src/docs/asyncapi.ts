/** `/asyncapi.json`: the WebSocket, from the schemas of every frame in both directions and the vectors that hold its wire. */
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

/** Every frame by its type, as one direction has it. */
interface Group {
  readonly summary: string;
  readonly action: "send" | "receive";
  readonly messages: Readonly<Record<string, Message>>;
}

const INTRODUCTION = `Everything that happens in one's rooms, in order, on one WebSocket.

The token comes in the \`Authorization\` header; or, from a browser, in the subprotocols \`signalbox.v1\` and \`bearer.<JWT>\`; or in an \`AUTH\` frame within 5 seconds. READY comes first. With \`?resume=1\` nothing else comes until a RESUME has said what one has; then what was missed, in order, and RESUMED.

Durable events have their room's next \`seq\`, without a gap. Signals have none and are never replayed. Any frame may bring a \`ref\`, with which its answer comes back. A frame holds at most 256 KiB.`;

export type AsyncApi = ReturnType<typeof createAsyncApi>;

/** Reads the vectors: to be built once. */
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
    act: group("receive", "Do something in a room", "up", Action, ACTION_WORDS, sent),
    control: group("receive", "About the session itself", "up", Control, CONTROL_WORDS, sent),
    event: group("send", "What happened, with a seq", "down", DurableEvent, EVENT_WORDS, received),
    signal: group("send", "What is true at the moment", "down", Signal, SIGNAL_WORDS, received),
    session: group("send", "A session's own life", "down", SessionFrame, SESSION_WORDS, (type, schema) =>
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

/** Looks up examples of a frame by its type: as the wire has them. */
function examplesIn(file: "up" | "events" | "session"): (type: string) => Message["examples"] {
  // The vectors lie beside the sources, and beside what is built of them.
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
