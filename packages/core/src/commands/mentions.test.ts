import type { Action } from "@signalbox/protocol/up";
import { describe, expect, test } from "vitest";
import { createMemoryEngine } from "../memory/engine.ts";
import { toText } from "../model/bytes.ts";
import type { ReadSet } from "../model/rows.ts";
import { ManualClock } from "../testing/manual-clock.fake.ts";
import { MapStore } from "../testing/map-store.fake.ts";
import { RecordingFaults } from "../testing/recording-faults.fake.ts";
import { nameCandidates } from "./mentions.ts";
import { createWriter } from "./writer.ts";

describe("a possible name in a text", () => {
  test("stands behind an @: up to four words of one line, the longest first", () => {
    expect(nameCandidates("ask @Ada about it all now")).toEqual([
      ["Ada about it all", "Ada about it", "Ada about", "Ada"],
    ]);
    expect(nameCandidates("@Ada\nplease")).toEqual([["Ada"]]);
    expect(nameCandidates("@ada @ben")).toEqual([["ada @ben", "ada"], ["ben"]]);
  });

  test("ends with and without the punctuation behind it", () => {
    expect(nameCandidates("@Ada!")).toEqual([["Ada!", "Ada"]]);
    expect(nameCandidates("(@Ada L.)")).toEqual([["Ada L.)", "Ada L.", "Ada L", "Ada"]]);
    expect(nameCandidates("@Ada,@Ben's")).toEqual([
      ["Ada,@Ben's", "Ada,@Ben", "Ada"],
      ["Ben's", "Ben"],
    ]);
    expect(nameCandidates("@田中、見て")).toEqual([["田中、見て", "田中"]]);
  });

  test("does not end within a word, nor where a character joins two", () => {
    for (const name of ["Adam", "ada.l", "ann-marie", "ann_b", "ada:server", "ada@server.example", "Zoë", "Zoe\u0308"])
      expect(nameCandidates(`@${name}`)).toEqual([[name]]);
  });

  test("is not in a text without @, in an e-mail address, nor behind a lone @", () => {
    for (const text of ["Ada", "write to ada@server.example", "é@ada", "3@ada", "@ Ada", "@", "@\n@"])
      expect(nameCandidates(text)).toEqual([]);
  });

  test("is bounded for any text", () => {
    const many = nameCandidates("@a ".repeat(10_000));
    expect(many).toHaveLength(20);
    const odd = nameCandidates(`@${"!".repeat(30_000)} @${"b".repeat(30_000)} @${"c".repeat(200)} @${"d".repeat(201)}`);
    expect(odd.map((names) => names.length)).toEqual([12, 0, 1, 0]);
    expect(odd[2]).toEqual(["c".repeat(200)]);
    for (const names of [...many, ...odd]) for (const name of names) expect(name.length).toBeLessThanOrEqual(200);
  });
});

interface Answer {
  readonly mark?: string;
  readonly seq: number;
  readonly messageId: string;
  readonly mentions?: readonly string[];
}

const MEMBERS = {
  ada: "Ada",
  lovelace: "Ada Lovelace",
  dotty: "D. Otty Jr.",
  ben: "Ben",
  twin1: "Sam",
  twin2: "Sam",
  zoe: "Zoë 🚀",
} as const;

/** A room of all of them, and Max outside it. */
async function setUp() {
  const store = new MapStore();
  const asked: ReadSet["names"][number][] = [];
  const commit = store.commit.bind(store);
  store.commit = (reads, decide) => {
    asked.push(...reads.names);
    return commit(reads, decide);
  };
  for (const [userId, name] of Object.entries(MEMBERS)) await store.putUser(userId, name);
  await store.putUser("max", "Max");
  const clock = new ManualClock();
  const engine = createMemoryEngine(clock);
  const writer = createWriter({ store, engine, clock, faults: new RecordingFaults(), typingTtlMs: 4000 });
  const owner = { userId: "ada", service: false };
  const chatId = (await writer.createRoom(owner, { name: "Project", members: Object.keys(MEMBERS), metadata: {} }))
    .roomId;
  const act = async (action: Action, userId = "ben"): Promise<Answer> =>
    JSON.parse(toText(await writer.act({ userId, service: false }, action))) as Answer;
  const say = (message: string, more: { mentions?: string[]; clientMessageId?: string } = {}) =>
    act({ type: "SEND_MSG", chatId, message, ...more });
  const edit = (messageId: string, message: string) => act({ type: "EDIT_MSG", chatId, messageId, message });
  const row = async (messageId: string) =>
    (await store.history(chatId, 100, null)).find((message) => message.messageId === messageId);
  const mentionsOf = async (userId: string) => (await store.counts([{ roomId: chatId, userId }]))[0]?.mentions;
  return { store, writer, owner, chatId, act, say, edit, row, mentionsOf, asked };
}

describe("a message names", () => {
  test.each([
    ["hello @Ada", ["ada"]],
    ["@Ada, @Ben!", ["ada", "ben"]],
    ["@Ada Lovelace: look", ["lovelace"]],
    ["@Ada likes @Ada Lovelace, says @Ada.", ["ada", "lovelace"]],
    ["(@D. Otty Jr.)", ["dotty"]],
    ["@Zoë 🚀🚀", ["zoe"]],
    ["@Ben's", ["ben"]],
  ])("%j", async (text, named) => {
    const { row, say } = await setUp();
    const event = await say(text);
    expect(event.mentions).toEqual(named);
    expect(await row(event.messageId)).toMatchObject({ textMentions: named, mentions: null });
  });

  test.each(["@ada", "@Adam", "x@Ada", "@Sam", "@Max", "@D. Otty", "Ada", "@Ada-Marie", "@stranger at all"])(
    "no member by %j",
    async (text) => {
      const { row, say } = await setUp();
      const event = await say(text);
      expect(event).not.toHaveProperty("mentions");
      expect(await row(event.messageId)).toMatchObject({ textMentions: null });
    },
  );
});

test("a message mentions the users that its author gave and then those that its text names, each once", async () => {
  const { act, chatId, row, say } = await setUp();
  const sent = await say("@Ada and @Ben", { mentions: ["zoe", "ben"] });
  expect(sent.mentions).toEqual(["zoe", "ben", "ada"]);
  expect(await row(sent.messageId)).toMatchObject({ mentions: ["zoe", "ben"], textMentions: ["ada", "ben"] });
  const { messageId } = sent;
  const reply = await act({ type: "REPLY", chatId, messageId, message: "@Ada", mentions: ["ada", "zoe"] });
  expect(reply.mentions).toEqual(["ada", "zoe"]);
});

test("a repeat is answered with the first mentions, whether its event is kept or not", async () => {
  const { act, chatId, say, store } = await setUp();
  const first = await say("@Ada", { mentions: ["zoe"], clientMessageId: "c1" });
  expect(await say("@Ben", { clientMessageId: "c1" })).toEqual(first);
  const reply = { type: "REPLY", chatId, messageId: first.messageId, message: "@Ben", clientMessageId: "c2" } as const;
  const answered = await act(reply);
  expect(answered.mentions).toEqual(["ben"]);
  store.forget(chatId, 10);
  await store.putUser("lovelace", "Ada");
  // The mark of an event that is no longer kept is not known.
  expect({ mark: first.mark, ...(await say("@Ben", { clientMessageId: "c1" })) }).toEqual(first);
  expect({ mark: answered.mark, ...(await act(reply)) }).toEqual(answered);
});

test("an edit replaces the mentions of the text, and keeps those that its author gave", async () => {
  const { edit, mentionsOf, row, say } = await setUp();
  const { messageId } = await say("@Ada", { mentions: ["zoe"] });
  expect(await mentionsOf("ada")).toBe(1);
  expect(await edit(messageId, "@Ada Lovelace")).not.toHaveProperty("mentions");
  expect(await row(messageId)).toMatchObject({ mentions: ["zoe"], textMentions: ["lovelace"] });
  expect(await Promise.all(["ada", "lovelace", "zoe"].map(mentionsOf))).toEqual([0, 1, 1]);
  await edit(messageId, "no name");
  expect(await row(messageId)).toMatchObject({ mentions: ["zoe"], textMentions: null });
});

test("an edit to the present text keeps its mentions", async () => {
  const { edit, row, say, store } = await setUp();
  const sent = await say("@Ada");
  await store.putUser("ada", "Renamed");
  expect(await edit(sent.messageId, "@Ada")).toEqual(sent);
  expect(await row(sent.messageId)).toMatchObject({ textMentions: ["ada"], editSeq: null });
});

test("a deleted message mentions no user", async () => {
  const { act, chatId, mentionsOf, row, say } = await setUp();
  const { messageId } = await say("@Ada");
  await act({ type: "DELETE_MSG", chatId, messageId });
  expect(await row(messageId)).toMatchObject({ textMentions: null, content: "" });
  expect(await mentionsOf("ada")).toBe(0);
});

test("a user that left is not mentioned any more, not even by a message of the same group", async () => {
  const { chatId, owner, say, writer } = await setUp();
  const [, event] = await Promise.all([writer.removeMember(owner, chatId, "zoe"), say("@Zoë 🚀 @Ada")]);
  expect(event.mentions).toEqual(["ada"]);
});

test("only messages with an @ read names, each once", async () => {
  const { asked, edit, say } = await setUp();
  const { messageId } = await say("no name in here");
  await edit(messageId, "nor here");
  expect(asked).toEqual([]);
  await say("@Ada @Ada @Ada");
  expect(asked.map(({ name }) => name)).toEqual(["Ada @Ada @Ada", "Ada @Ada", "Ada"]);
});
