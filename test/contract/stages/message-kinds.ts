/** A bridged room with one message of each kind. */
import type { World } from "../../support/world.ts";
import { type Bridge, bridge } from "./bridged-room.ts";

/** The info and the URL of every file. */
export const FILE = { mimetype: "application/pdf", size: 2048576 };
export const URL_OF_FILE = "mxc://your-sphere.example.com/AbCdEfGhIjKlMnOp";

export async function messageKinds(world: World): Promise<Bridge> {
  const chat = await bridge(world);
  const { alice, bob, room } = chat;
  const root = room.says(alice, "The deployment is ready for review");
  const inThread = { "m.relates_to": { rel_type: "m.thread", event_id: root.event_id, is_falling_back: true } };
  const media = (msgtype: string, body: string) =>
    room.says(bob, body, { msgtype, body, url: URL_OF_FILE, info: FILE });
  await room.pushes([
    root,
    room.says(bob, "Looks good, merging now", inThread),
    media("m.image", "screen.png"),
    media("m.file", "plan.pdf"),
    media("m.audio", "voice.ogg"),
    media("m.video", "demo.mp4"),
    room.says(alice, "a notice", { msgtype: "m.notice" }),
    room.says(alice, "waves", { msgtype: "m.emote" }),
    room.says(alice, "here", { msgtype: "m.location", geo_uri: "geo:1,2" }),
    room.event(alice, "m.sticker", { body: "a sticker", url: URL_OF_FILE, info: FILE }),
    room.event(alice, "m.room.encrypted", { algorithm: "m.megolm.v1.aes-sha2", ciphertext: "AwgA" }),
  ]);
  return chat;
}
