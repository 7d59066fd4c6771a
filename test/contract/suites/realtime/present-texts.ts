/** CONTRACT sections 2 and 4: replays and repeats show present texts; a text that was taken back is in none of them. */
import { describe, expect, test } from "vitest";
import { cursorOf } from "../../../support/cursors.ts";
import { times } from "../../../support/lists.ts";
import type { Person, World } from "../../../support/world.ts";
import { MESSAGES } from "../../support/projections.ts";

const SECRET = "door code 4711";

export function presentTexts(world: World): void {
  describe("a text that was taken back", () => {
    deleted(world);
    replaced(world);
  });
}

/** Everything that a replay from `cursor` gives: on a socket, and on a stream up to its last event. */
async function replaysOf(person: Person, chatId: string, cursor: string | number): Promise<readonly string[]> {
  const socket = await person.resumes(1, { [chatId]: cursor });
  const stream = await person.streams(chatId, 0, `?last_event_id=${cursor}`);
  await stream.reaches(socket.seqs(chatId).at(-1)!);
  expect(stream.cursors).toEqual(socket.events(chatId).map(cursorOf));
  return [JSON.stringify(socket.frames), stream.text];
}

function deleted(world: World): void {
  test("by a delete is in no replay, no quote, no repeat and no answer of REST", async () => {
    const { alice, bob, carol, chatId } = await world.chat();
    const start = await alice.says(chatId, "before");
    const send = { type: "SEND_MSG", chatId, message: SECRET, clientMessageId: "secret" };
    const { messageId, seq } = await alice.acts(send);
    const reply = { type: "REPLY", chatId, messageId, message: "thanks", clientMessageId: "answer" };
    const answer = await bob.acts(reply);
    expect(answer.replyTo).toMatchObject({ content: SECRET });
    const away = cursorOf(start);
    // The node has the pages in mind from here on.
    for (const text of await replaysOf(bob, chatId, away)) expect(text).toContain(SECRET);
    await alice.acts({ type: "DELETE_MSG", chatId, messageId });

    const socket = await bob.resumes(1, { [chatId]: away });
    expect(socket.events(chatId)).toMatchObject([
      { type: "SEND_MSG", messageId, seq, message: "", deleted: true },
      { type: "REPLY", messageId: answer.messageId, message: "thanks", replyTo: { messageId, content: "" } },
      { type: "DELETE_MSG", messageId },
    ]);
    for (const from of [away, 0, seq - 1])
      for (const text of await replaysOf(bob, chatId, from)) expect(text).not.toContain(SECRET);

    const phone = await bob.connects(1);
    const repeats = [await bob.acts(reply), await phone.acts(reply), await alice.acts(send)];
    expect(repeats.map((each) => each.messageId)).toEqual([answer.messageId, answer.messageId, messageId]);
    expect(repeats[2]).toMatchObject({ message: "", deleted: true, seq });
    expect(JSON.stringify(repeats)).not.toContain(SECRET);

    const paths = [`/api/chat/${chatId}/messages`, `${MESSAGES}?conversation_id=${chatId}`, "/v1/rooms"];
    for (const path of paths) expect((await bob.asks("GET", path)).text).not.toContain(SECRET);

    await alice.adds(chatId, carol);
    for (const text of await replaysOf(carol, chatId, 0)) expect(text).not.toContain(SECRET);
  });

  test("by a delete is in no replay that had begun before", async () => {
    const [service, { alice, bob, chatId }] = [await world.service(), await world.chat()];
    const filler = "m".repeat(32_768);
    // More than may wait in the sockets and in a page of the node: its end is not read before the delete.
    for (let batch = 0; batch < 12; batch++) await times(50, () => service.says(chatId, filler));
    const { messageId, seq } = await alice.says(chatId, SECRET);
    const slow = await bob.connects(1, "?resume=1");
    slow.stopReading();
    slow.send({ type: "RESUME", rooms: { [chatId]: 1 } });
    // Another session of the node has been through all pages.
    const quick = await bob.resumes(1, { [chatId]: 1 });
    expect(await quick.receives({ messageId })).toMatchObject({ message: SECRET });
    await alice.acts({ type: "DELETE_MSG", chatId, messageId });
    await quick.receives({ type: "DELETE_MSG", messageId });
    slow.readOn();
    await slow.receives({ type: "DELETE_MSG", messageId });
    expect(await slow.receives({ type: "SEND_MSG", seq })).toMatchObject({ messageId, message: "", deleted: true });
    expect(JSON.stringify(slow.frames)).not.toContain(SECRET);
  });

  test("by the removal of a reaction is in no replay and no repeat", async () => {
    const { alice, bob, chatId } = await world.chat();
    const sent = await alice.says(chatId, "react to this");
    const { messageId } = sent;
    const react = { type: "REACT", chatId, messageId, reaction: "a reaction 4711" };
    const reaction = await alice.acts(react);
    const removal = { type: "DELETE_REACT", reactionId: reaction.messageId };
    await alice.acts(removal);
    for (const text of await replaysOf(bob, chatId, cursorOf(sent))) expect(text).not.toContain("4711");
    expect(JSON.stringify(await alice.acts(removal))).not.toContain("4711");
    const socket = await bob.resumes(0, { [chatId]: cursorOf(sent) });
    expect(socket.events(chatId)).toMatchObject([
      { type: "REACT", messageId: reaction.messageId, parentMessageId: messageId, message: "" },
      { type: "DELETE_REACT", messageId: reaction.messageId, parentMessageId: messageId },
    ]);
  });
}

function replaced(world: World): void {
  test("by an edit is in no replay, no quote and no repeat, which have the newest text", async () => {
    const { alice, bob, chatId } = await world.chat();
    const start = await alice.says(chatId, "before");
    const send = { type: "SEND_MSG", chatId, message: SECRET, clientMessageId: "secret" };
    const { messageId, seq } = await alice.acts(send);
    const reply = { type: "REPLY", chatId, messageId, message: "thanks", clientMessageId: "answer" };
    const answer = await bob.acts(reply);
    for (const message of ["the second text", "the third text"])
      await alice.acts({ type: "EDIT_MSG", chatId, messageId, message });
    const socket = await bob.resumes(1, { [chatId]: cursorOf(start) });
    expect(socket.events(chatId)).toMatchObject([
      { type: "SEND_MSG", messageId, seq, message: "the third text" },
      { type: "REPLY", messageId: answer.messageId, replyTo: { messageId, content: "the third text", edited: true } },
      { type: "EDIT_MSG", messageId, message: "the third text" },
      { type: "EDIT_MSG", messageId, message: "the third text" },
    ]);
    for (const text of await replaysOf(bob, chatId, cursorOf(start)))
      expect(text).not.toMatch(new RegExp(`${SECRET}|the second text`));
    const repeats = [await alice.acts(send), await bob.acts(reply)];
    expect(repeats).toMatchObject([
      { messageId, seq, message: "the third text" },
      { messageId: answer.messageId, replyTo: { content: "the third text" } },
    ]);
  });
}
