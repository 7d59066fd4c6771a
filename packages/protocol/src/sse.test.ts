/** The wire of streams, compared byte by byte with `vectors/sse.json`, as `wire.test.ts` does for sockets. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { EVENT_TYPES, type EventBody } from "./down.ts";
import { parse } from "./parse.ts";
import { encodeRetry, encodeSse, SSE_COMMENT, SseEvent, sseOf } from "./sse.ts";

interface Vector {
  readonly name: string;
  readonly body: EventBody;
  readonly wire: string;
}
const vectors = JSON.parse(readFileSync(new URL("../vectors/sse.json", import.meta.url), "utf8")) as Vector[];
/** The id of an event: its cursor. */
const idOf = ({ seq, mark }: EventBody) => (mark === undefined ? `${seq}` : `${seq}-${mark}`);
const print = { serverName: "chat.example.org", preview: (content: string) => content.slice(0, 200) };

test.each(vectors)("$name", ({ body, wire }) => {
  const { event, data } = sseOf(body, print);
  expect(encodeSse(event, JSON.stringify(data), idOf(body))).toBe(wire);
  expect(parse(SseEvent, { event, data })).toEqual({ event, data });
});

test("every durable event has a vector, and a name of its own: none is left out, so that the seqs in ids are consecutive", () => {
  expect(new Set(vectors.map(({ body }) => body.type))).toEqual(new Set(EVENT_TYPES));
  const names = vectors.map(({ wire }) => /^event: (.*)$/m.exec(wire)?.[1]);
  // A reply is a message.
  expect(new Set(names).size).toBe(EVENT_TYPES.length - 1);
});

/** Reads a stream as the HTML standard defines it ("9.2.6 Interpreting an event stream"). */
function read(stream: string): { event: string; data: string; id: string }[] {
  const events: { event: string; data: string; id: string }[] = [];
  let [event, data, id] = ["", "", ""];
  for (const line of stream.split(/\r\n|\r|\n/)) {
    const [, field, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (line === "") {
      if (data !== "") events.push({ event: event || "message", data: data.slice(0, -1), id });
      [event, data] = ["", ""];
    } else if (field === "event") event = value;
    else if (field === "data") data += `${value}\n`;
    else if (field === "id" && !value.includes("\0")) id = value;
  }
  return events;
}

test.each(["a\nb", "a\rb", "a\r\nb", "\n", "a\n\nb", "\r\n\r", "event: reset\n\nid: 9", " a", ":", "\u2028", ""])(
  "text like %j is read as it was written",
  (text) => {
    const lines = text.replaceAll(/\r\n|\r/g, "\n");
    expect(read(encodeSse("x", text, "7-0000000a"))).toEqual([{ event: "x", data: lines, id: "7-0000000a" }]);
  },
);

test("an event with any text is read as it was written, between others", () => {
  const awkward = fc.string({ unit: fc.constantFrom("a", " ", ":", "\n", "\r", "\r\n", "\u2029", "\u{1f44d}") });
  fc.assert(
    fc.property(fc.array(awkward), (texts) => {
      const stream = texts
        .map((text, seq) => SSE_COMMENT + encodeRetry(1000.4) + encodeSse("x", text, `${seq}`))
        .join("");
      expect(read(stream).map(({ data }) => data)).toEqual(texts.map((text) => text.replaceAll(/\r\n|\r/g, "\n")));
    }),
  );
});

test("the event of a message with any text is one line of data", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (message) => {
      const body = { ...vectors[0]?.body, message } as EventBody;
      const { event, data } = sseOf(body, { ...print, preview: (content) => content });
      const wire = encodeSse(event, JSON.stringify(data), idOf(body));
      expect(wire.match(/^data: /gm)).toHaveLength(1);
      expect(JSON.parse(read(wire)[0]?.data ?? "")).toEqual(data);
    }),
  );
});

test.each(["too_old", "not_member", "diverged"])("a reset that is %s has the cursor to go on from", (reason) => {
  const reset = { event: "reset", data: { reason, cursor: "40-0000000a" } };
  expect(parse(SseEvent, reset)).toEqual(reset);
});

test("an event that has no seq has no id: a reader keeps the one that it has", () => {
  expect(encodeSse("typing", "{}")).toBe("event: typing\ndata: {}\n\n");
  expect(read(encodeSse("a", "1", "5-0000000a") + encodeSse("typing", "{}"))[1]?.id).toBe("5-0000000a");
});
