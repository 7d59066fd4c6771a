import fc from "fast-check";
import { expect, test } from "vitest";
import { openLoneNode, service } from "../testing/lone-node.fake.ts";
import { settled } from "../testing/manual-clock.fake.ts";
import type { RecordingSink } from "../testing/recording-sink.fake.ts";
import type { Subscriber } from "./subscriber.ts";

test("under any interleaving of joins, leaves, losses, connections and slow answers: once, in order, and nothing after a USER_LEAVE", async () => {
  const step = fc.constantFrom(
    "say",
    "remove",
    "add",
    "attach",
    "resume",
    "connect",
    "lose",
    "heal",
    "settle",
    "second",
    "slow",
    "fast",
  );
  const property = fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 40 }), fc.nat(), async (steps, seed) => {
    const { arrive, clock, hub, network, roomOf, say, store, writer } = await openLoneNode();
    const room = await roomOf("ben", "ann");
    const sessions: {
      sink: RecordingSink;
      subscriber: Subscriber;
      from: number | undefined;
      held: boolean;
      running: Promise<void>[];
    }[] = [];
    let withheld: (() => void)[] = [];
    let slow = false;
    store.underway = () => (slow ? new Promise<void>((resolve) => withheld.push(resolve)) : undefined);
    const run = async (each: (typeof steps)[number], index: number) => {
      if (each === "say") void say("ben", room);
      else if (each === "remove") void writer.removeMember(service, room, "ann").catch(() => undefined);
      else if (each === "add") void writer.putMember(service, room, "ann", undefined);
      else if (each === "lose") network.loses = ({ kind }) => (seed + index) % 3 === 0 || kind === "room";
      else if (each === "heal") network.loses = () => false;
      else if (each === "settle") await settled();
      else if (each === "second") await clock.pass(1000);
      else if (each === "slow") slow = true;
      else if (each === "fast") {
        slow = false;
        for (const release of withheld.splice(0)) release();
        await settled();
      } else if (each === "attach" || each === "connect") {
        const { sink, subscriber } = arrive("ann");
        const session: (typeof sessions)[number] = { sink, subscriber, from: undefined, held: true, running: [] };
        sessions.push(session);
        const attached = hub.joining.attach(subscriber).then((ready) => {
          session.from = ready.get(room)?.seq;
        });
        session.running.push(attached);
        if (each === "connect") {
          session.held = false;
          session.running.push(attached.then(() => hub.joining.resumeFrom(subscriber, null)));
        }
      } else {
        const session = sessions.find(({ held, from }) => held && from !== undefined);
        if (session === undefined) return;
        session.held = false;
        session.from = (seed * (index + 3)) % ((session.from ?? 0) + 1);
        session.running.push(
          hub.joining.resumeFrom(session.subscriber, new Map([[room, { seq: session.from, mark: null }]])),
        );
      }
    };
    for (const [index, each] of steps.entries()) await run(each, index);
    slow = false;
    network.loses = () => false;
    for (const release of withheld.splice(0)) release();
    withheld = [];
    await clock.pass(5000);
    for (const session of sessions)
      if (session.held)
        session.running.push(
          hub.joining.resumeFrom(
            session.subscriber,
            session.from === undefined ? new Map() : new Map([[room, { seq: session.from, mark: null }]]),
          ),
        );
    await clock.pass(5000);
    for (const { running } of sessions) await Promise.all(running);
    await hub.close();
    const member = (await store.headOf(room, "ann", false)) !== null;
    const head = store.room(room)?.lastSeq ?? 0;
    const stayed = store.eventsOf(room).every(({ type }) => type !== "USER_LEAVE");
    for (const { sink, from } of sessions) {
      const seqs = sink.seqs(room);
      expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
      if (stayed)
        expect(seqs).toEqual(Array.from({ length: head - (from ?? head) }, (_, index) => (from ?? 0) + index + 1));
      if (member) expect(seqs.at(-1) ?? from).toBe(head);
      else expect(sink.events.at(-1)?.type ?? "USER_LEAVE").toBe("USER_LEAVE");
    }
  });
  await fc.assert(property, { numRuns: 500 });
}, 30_000);
