import type { RoomSummary, Rooms } from "@signalbox/client";
import { expect, test, vi } from "vitest";
import { createRoomListLoader } from "./room-list-loader.ts";

type Page = Awaited<ReturnType<Rooms["list"]>>;
const room = (id: string) => ({ id }) as RoomSummary;
const page = (id: string, next_cursor: string | null = null): Page => ({ data: [room(id)], next_cursor });

/** A server that answers when a test calls `answer`. */
function rooms() {
  const waiting: ((page: Page | Error) => void)[] = [];
  const list = vi.fn<Rooms["list"]>(
    () =>
      new Promise((resolve, reject) => {
        waiting.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)));
      }),
  );
  const answer = (found: Page | Error) => waiting.shift()?.(found);
  return { list, answer };
}

test("all pages make the list", async () => {
  const { list, answer } = rooms();
  const loaded = vi.fn();
  createRoomListLoader({ list }, { loaded, failed: vi.fn() }).reload();
  answer(page("one", "next"));
  await vi.waitFor(() => expect(list).toHaveBeenLastCalledWith({ limit: 100, cursor: "next" }));
  answer(page("two"));
  await vi.waitFor(() => expect(loaded).toHaveBeenCalledWith([room("one"), room("two")]));
});

test("reloading drops the answer of the request under way", async () => {
  const { list, answer } = rooms();
  const loaded = vi.fn();
  const loader = createRoomListLoader({ list }, { loaded, failed: vi.fn() });
  loader.reload();
  loader.reload();
  loader.reload();
  answer(page("old"));
  await vi.waitFor(() => expect(list).toHaveBeenCalledTimes(2));
  answer(page("new"));
  await vi.waitFor(() => expect(loaded).toHaveBeenCalled());
  expect(loaded.mock.calls).toEqual([[[room("new")]]]);
});

test("a failure is reported, and the next request is made", async () => {
  const { list, answer } = rooms();
  const events = { loaded: vi.fn(), failed: vi.fn() };
  const loader = createRoomListLoader({ list }, events);
  loader.reload();
  answer(new Error("away"));
  await vi.waitFor(() => expect(events.failed).toHaveBeenCalled());
  loader.reload();
  answer(page("one"));
  await vi.waitFor(() => expect(events.loaded).toHaveBeenCalled());
});
