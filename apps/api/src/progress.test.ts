import { expect, test } from "vitest";
import { progressBar } from "./progress.ts";

function screen(isTTY: boolean) {
  const written: string[] = [];
  return { isTTY, written, write: (text: string) => void written.push(text) };
}

const at = (matrixRoomId: string, events: number, ms: number | null) => ({
  matrixRoomId,
  events,
  reached: ms === null ? null : new Date(ms),
});

test("without a terminal, a rebuild is a line for each room", () => {
  const log = screen(false);
  const bar = progressBar(log);
  for (const progress of [at("!a:hs", 100, 1), at("!a:hs", 150, 2), at("!b:hs", 0, null)]) bar.move(progress);
  bar.end();
  bar.end();
  expect(log.written).toEqual(["150 events  !a:hs\n", "0 events  !b:hs\n"]);
});

test("on a screen the bar begins empty, and gives way to the line", () => {
  const tty = screen(true);
  const bar = progressBar(tty);
  bar.move(at("!a:hs", 1, Date.now() - 1000));
  bar.end();
  expect(tty.written).toHaveLength(2);
  expect(tty.written[0]).toContain(`[${".".repeat(24)}] 1 events`);
  expect(tty.written[1]).toMatch(/1 events {2}!a:hs\n$/);
});
