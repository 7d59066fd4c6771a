/** CONTRACT sections 2 and 4: frames, their answers and their order, and malformed frames. */
import { describe, expect, test } from "vitest";
import { seqIn } from "../../../support/cursors.ts";
import { range, times } from "../../../support/lists.ts";
import type { Client } from "../../../support/socket-client.ts";
import type { World } from "../../../support/world.ts";
import { ANY_TEXT, NOTHING } from "../../support/shapes.ts";

export function frames(world: World): void {
  describe("an answer", () => answers(world));
  describe("a bad frame", () => badFrames(world));
  describe("delivery", () => delivery(world));
}

function answers(world: World): void {
  test.each(["text", "", '\u{1f600}"\n', 7, 0, -1.5])("has the frame's ref %j: ACK, ERROR and PONG", async (ref) => {
    const { alice, chatId } = await world.chat();
    const ok = await alice.connects();
    ok.send({ type: "SEND_MSG", chatId, message: "text", ref });
    const ack = await ok.receives({ ref });
    expect(ack).toStrictEqual({ type: "ACK", ref, data: ack.data });
    expect(ack.data).toMatchObject({ type: "SEND_MSG", recipientId: alice.id, message: "text" });
    const wrong = await alice.connects();
    wrong.send({ type: "SEND_MSG", chatId: NOTHING, message: "text", ref });
    expect(await wrong.receives({ ref })).toStrictEqual({ type: "ERROR", ref, code: "not_found", detail: ANY_TEXT });
    const alive = await alice.connects();
    alive.send({ type: "PING", ref });
    expect(await alive.receives({ ref })).toStrictEqual({ type: "PONG", ref });
  });

  test("is not sent to an action without a ref", async () => {
    const { alice, chatId } = await world.chat();
    const phone = await alice.connects();
    phone.send({ type: "SEND_MSG", chatId, message: "without" });
    await phone.acts({ type: "SEND_MSG", chatId, message: "with" });
    await phone.receives({ type: "SEND_MSG", message: "with" });
    expect(phone.of("ACK")).toHaveLength(1);
    expect(phone.of("SEND_MSG").map(({ message }) => message)).toEqual(["without", "with"]);
  });

  test("is sent to PING without a ref as well", async () => {
    const phone = await (await world.person()).connects();
    phone.send({ type: "PING" });
    expect(await phone.receives({ type: "PONG" })).toStrictEqual({ type: "PONG" });
  });

  test("is sent after the commit: an acknowledged message is in history at once", async () => {
    const { alice, bob, chatId } = await world.chat();
    const phone = await alice.connects();
    for (let index = 0; index < 10; index++) {
      const { messageId } = await phone.acts({ type: "SEND_MSG", chatId, message: `${index}` });
      expect((await bob.history(chatId, "?limit=1"))[0]?.messageId).toBe(messageId);
    }
  });

  test("is not sent to ACTIVE", async () => {
    const phone = await (await world.person()).connects();
    phone.send({ type: "ACTIVE" });
    await phone.settled();
    expect([...phone.of("ACK"), ...phone.of("ERROR")]).toEqual([]);
  });
}

/** Fails unless the socket still serves. */
async function expectOpen(client: Client): Promise<void> {
  expect(await client.asks({ type: "PING" })).toMatchObject({ type: "PONG" });
}

function badFrames(world: World): void {
  test.each([
    "",
    "hello",
    "{",
    '{"type":"SEND_MSG"',
    "null",
    "7",
    "[]",
    "{}",
    '"SEND_MSG"',
    '{"type":7}',
    '{"type":"NO_SUCH_ACTION"}',
    '{"type":"send_msg"}',
    '{"type":"__proto__"}',
    '{"type":"constructor"}',
    '{"type":"READY"}',
    '{"type":"PING","ref":{}}',
    '{"type":"RESUME","rooms":{}}',
    '{"type":"AUTH"}',
  ])("%j gets ERROR invalid, and the connection stays", async (frame) => {
    const phone = await (await world.person()).connects();
    phone.raw(frame);
    expect(await phone.receives({ type: "ERROR" })).toMatchObject({ code: "invalid", detail: ANY_TEXT });
    await expectOpen(phone);
    expect(phone.of("ERROR")).toHaveLength(1);
  });

  test("that nests a hundred thousand deep gets ERROR invalid, and the connection stays", async () => {
    const phone = await (await world.person()).connects();
    phone.raw("[".repeat(100_000) + "]".repeat(100_000));
    expect(await phone.receives({ type: "ERROR" })).toMatchObject({ code: "invalid" });
    await expectOpen(phone);
  });

  test("gets its ref back, if it has one", async () => {
    const phone = await (await world.person()).connects();
    expect(await phone.asks({ type: "NO_SUCH_ACTION" })).toMatchObject({ type: "ERROR", code: "invalid" });
    expect(await phone.asks({})).toMatchObject({ type: "ERROR", code: "invalid" });
  });

  test("that is binary gets ERROR invalid, and the connection stays", async () => {
    const { alice, chatId } = await world.chat();
    const phone = await alice.connects();
    phone.raw(Buffer.from(JSON.stringify({ type: "SEND_MSG", chatId, message: "binary" })));
    phone.raw(Buffer.from([0, 255, 254]));
    await phone.receives(() => phone.of("ERROR").length === 2);
    await expectOpen(phone);
    expect(await alice.history(chatId)).toEqual([]);
  });

  test("with escapes that make a lone surrogate or U+0000 is invalid in every text", async () => {
    const { alice, chatId } = await world.chat();
    const phone = await alice.connects();
    const fields = ['"message":"x\\ud800"', '"message":"\\u0000"', '"message":"x","clientMessageId":"\\udfff"'];
    for (const [ref, field] of fields.entries()) {
      phone.raw(`{"type":"SEND_MSG","ref":${ref},"chatId":"${chatId}",${field}}`);
      expect(await phone.receives({ ref })).toMatchObject({ type: "ERROR", code: "invalid" });
    }
    expect(await alice.history(chatId)).toEqual([]);
  });

  test("of 256 KiB is read, one of more closes with 1009", async () => {
    const alice = await world.person();
    const ping = '{"type":"PING","ref":"long"}';
    const full = await alice.connects();
    full.raw(ping.padEnd(262_144));
    expect(await full.receives({ ref: "long" })).toMatchObject({ type: "PONG" });
    for (const length of [262_145, 257 * 1024]) {
      const over = await alice.connects(1);
      over.raw(ping.padEnd(length));
      expect((await over.closed).code).toBe(1009);
    }
  });
}

function delivery(world: World): void {
  test("actions of one socket commit in the order in which they arrive", async () => {
    const { alice, bob, chatId } = await world.chat();
    const [phone, bobs] = await Promise.all([alice.connects(0), bob.connects(1)]);
    const texts = Array.from({ length: 150 }, (_, index) => `message ${index}`);
    for (const message of texts) phone.send({ type: "SEND_MSG", chatId, message });
    await bobs.receives({ type: "SEND_MSG", message: texts.at(-1) });
    expect(bobs.of("SEND_MSG").map(({ message }) => message)).toEqual(texts);
  });

  test("every session gets every event once, in the order of seq without a gap, from all authors and nodes", async () => {
    const { alice, bob, carol, chatId } = await world.chat();
    await alice.adds(chatId, carol);
    const sessions = await Promise.all([alice.connects(0), bob.connects(1), carol.connects(0), carol.connects(1)]);
    const [phone, bobs] = sessions;
    const from = seqIn(phone!.frames[0]!.rooms[chatId]!);
    await Promise.all([
      ...Array.from({ length: 40 }, (_, index) => carol.says(chatId, `by POST ${index}`)),
      ...Array.from({ length: 40 }, (_, index) =>
        phone!.acts({ type: "SEND_MSG", chatId, message: `at one gateway ${index}` }),
      ),
      ...Array.from({ length: 40 }, (_, index) =>
        bobs!.acts({ type: "SEND_MSG", chatId, message: `at another ${index}` }),
      ),
    ]);
    const seqs = range(from + 1, from + 120);
    const bodies = sessions.map(async (session) => {
      await session.receives({ chatId, seq: from + 120 });
      expect(session.seqs(chatId)).toEqual(seqs);
      return session.events(chatId).map(({ recipientId: _, ...body }) => body);
    });
    const [first, ...others] = await Promise.all(bodies);
    for (const other of others) expect(other).toEqual(first);
  });

  test("a new connection under load loses and doubles nothing", async () => {
    const { alice, bob, chatId } = await world.chat();
    const sending = times(100, (index) => alice.says(chatId, `message ${index}`));
    const sessions = await times(6, (index) => bob.connects(index % 2 === 0 ? 0 : 1));
    await sending;
    for (const session of sessions) {
      const from = seqIn(session.frames[0]!.rooms[chatId]!);
      if (from < 101) await session.receives({ chatId, seq: 101 });
      expect(session.seqs(chatId)).toEqual(range(from + 1, 101));
    }
  });
}
