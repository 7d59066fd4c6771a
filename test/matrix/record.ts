/**
 * Records a real Synapse's transactions with every kind of event into recorded/*.json, the golden inputs of the ingestion:
 *
 *   node --conditions=development --import tsx test/matrix/record.ts
 */
import { writeFile } from "node:fs/promises";
import type { MatrixClient } from "./matrix-client.ts";
import { Recorder } from "./recorder.ts";
import { type Bridge, planBridge, Synapse } from "./synapse.ts";

interface Chat {
  readonly recorder: Recorder;
  readonly synapse: Synapse;
  readonly bridge: Bridge;
  readonly alice: MatrixClient;
  readonly bob: MatrixClient;
  readonly room: string;
}

/** The files in the order of recording, each a list of transactions. */
const SCENES: Readonly<Record<string, (chat: Chat) => Promise<void>>> = {
  "1-room": begins,
  "2-messages": messages,
  "3-relations": relations,
  "4-redactions": redactions,
  "5-ephemeral": ephemeral,
  "6-acting": acting,
  "7-retried": retried,
  "8-membership": membership,
};

const bridge = await planBridge();
const recorder = new Recorder();
await recorder.listen(Number(new URL(bridge.appUrl).port));
const synapse = await Synapse.open(bridge);
try {
  const alice = await synapse.register("alice");
  const bob = await synapse.register("bob");
  const chat = { recorder, synapse, bridge, alice, bob, room: await alice.createsRoom("Harbour", bob) };
  for (const [name, scene] of Object.entries(SCENES)) {
    await scene(chat);
    const transactions = recorder.cut();
    await writeFile(new URL(`recorded/${name}.json`, import.meta.url), `${JSON.stringify(transactions, null, 2)}\n`);
    process.stdout.write(`${name}: ${transactions.length} transactions\n`);
  }
} catch (error) {
  process.stderr.write(`${await synapse.lastWords()}\n`);
  throw error;
} finally {
  await synapse.stop();
  recorder.close();
}

async function begins({ recorder, alice, bob, room }: Chat): Promise<void> {
  await bob.joins(room);
  await recorder.receivesEvent(await alice.renames(room, "Harbour office"));
}

async function messages({ recorder, alice, bob, room }: Chat): Promise<void> {
  const url = await alice.uploads("plan.pdf", "application/pdf", new TextEncoder().encode("%PDF-1.4 a plan"));
  const info = { mimetype: "application/pdf", size: 15 };
  await alice.says(room, "Good morning");
  await bob.says(room, "@alice good morning", { "m.mentions": { user_ids: [alice.userId] } });
  await alice.says(room, "plan.pdf", { msgtype: "m.file", filename: "plan.pdf", url, info });
  for (const [msgtype, mimetype] of [
    ["m.image", "image/png"],
    ["m.audio", "audio/ogg"],
    ["m.video", "video/mp4"],
  ] as const)
    await bob.says(room, `a caption of ${msgtype}`, { msgtype, filename: "file", url, info: { mimetype, size: 15 } });
  await alice.says(room, "a.bin", {
    msgtype: "m.file",
    file: {
      v: "v2",
      url,
      key: { kty: "oct", alg: "A256CTR", k: "aWF6-32KGYaC3A_FEUCk1Bt0JA37zP0wrStgmdCaW-0", ext: true },
      iv: "w+sE15fzSc0AAAAAAAAAAA",
      hashes: { sha256: "fdSLu/YkRx3Wyh3KQabP3rd6+SFiKg5lsJZQHtkSAYA" },
    },
    info,
  });
  await alice.says(room, "The office is closed", { msgtype: "m.notice" });
  await alice.says(room, "waves", { msgtype: "m.emote" });
  await alice.says(room, "The pier", { msgtype: "m.location", geo_uri: "geo:53.5,9.9" });
  await alice.sends(room, "m.sticker", { body: "A gull", url, info: { mimetype: "image/png", size: 15 } });
  await alice.sends(room, "org.example.custom", { anything: [1, null, { deep: true }] });
  const encrypted = await alice.sends(room, "m.room.encrypted", {
    algorithm: "m.megolm.v1.aes-sha2",
    ciphertext: "AwgAEnACgAkLmt6qF84IK++J7UDH2Za1YVchHyprqTqsg",
    session_id: "X3lUlvLELLYxeTx4yOVu6UDpasGEVO0Jbu+QFnm0cKQ",
  });
  await recorder.receivesEvent(encrypted);
}

async function relations({ recorder, alice, bob, room }: Chat): Promise<void> {
  const first = await alice.says(room, "When do we sail?");
  await alice.edits(room, first, "When do we sail today?");
  await bob.edits(room, first, "Somebody else's edit counts for nothing");
  await bob.replies(room, first, "At noon");
  await bob.threads(room, first, "With which ship?");
  await alice.says(room, "An answer inside the thread", {
    "m.relates_to": {
      rel_type: "m.thread",
      event_id: first,
      is_falling_back: false,
      "m.in_reply_to": { event_id: first },
    },
  });
  await bob.says(room, "> <@alice:matrix.example> When do we sail?\n\nAn old client's reply", {
    "m.relates_to": { "m.in_reply_to": { event_id: first } },
  });
  await recorder.receivesEvent(await bob.reacts(room, first, "👍"));
}

async function redactions({ recorder, alice, bob, room }: Chat): Promise<void> {
  const message = await alice.says(room, "A mistake");
  const kept = await alice.says(room, "First words");
  const edit = await alice.edits(room, kept, "Second words");
  const reaction = await bob.reacts(room, kept, "🎉");
  await alice.redacts(room, message);
  await alice.redacts(room, edit);
  await recorder.receivesEvent(await bob.redacts(room, reaction));
}

async function ephemeral({ recorder, alice, bob, room }: Chat): Promise<void> {
  const brings = (type: string, text: string) =>
    recorder.receives(({ body }) =>
      (body.ephemeral ?? []).some((item) => item.type === type && JSON.stringify(item).includes(text)),
    );
  const event = await alice.says(room, "Who has read this?");
  await bob.types(room, true);
  await brings("m.typing", bob.userId);
  await bob.types(room, false);
  await brings("m.typing", "[]");
  await bob.reads(room, event);
  await brings("m.receipt", '"m.read":');
  await alice.reads(room, event, "m.read.private");
  await brings("m.receipt", '"m.read.private":');
  await bob.isPresent("unavailable");
  await brings("m.presence", "unavailable");
}

/** A write of the application service as Alice, which comes back like that of a user. */
async function acting({ recorder, synapse, bridge, alice, room }: Chat): Promise<void> {
  const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/send/m.room.message/own-1`;
  const response = await fetch(`${synapse.url}${path}?user_id=${encodeURIComponent(alice.userId)}`, {
    method: "PUT",
    headers: { authorization: `Bearer ${bridge.asToken}` },
    body: JSON.stringify({ msgtype: "m.text", body: "Ours", "dev.signalbox.client_message_id": "c-1" }),
  });
  await recorder.receivesEvent(((await response.json()) as { event_id: string }).event_id);
}

/** During an outage: a message that is redacted before it is pushed, and typing that is lost. */
async function retried({ recorder, alice, bob, room }: Chat): Promise<void> {
  recorder.status = 503;
  await bob.types(room, true);
  const seen = await alice.says(room, "Said to nobody");
  const gone = await alice.says(room, "Taken back in time");
  await alice.redacts(room, gone);
  const last = await bob.says(room, "Still there?");
  recorder.status = 200;
  for (const id of [seen, gone, last]) await recorder.receivesEvent(id);
}

async function membership({ recorder, synapse, alice, bob, room }: Chat): Promise<void> {
  const carol = await synapse.register("carol");
  await carol.joins(room);
  await carol.isNamed("Carol of the harbour");
  await bob.leaves(room);
  await alice.removes(room, carol, "kick");
  await alice.removes(room, carol, "ban");
  await recorder.receivesEvent(await alice.says(room, "Alone"));
}
