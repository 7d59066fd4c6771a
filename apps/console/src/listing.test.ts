import type { RoomSummary, Rooms } from "@signalbox/client";
import { expect, test, vi } from "vitest";
import { createListing } from "./listing.ts";

type Page = Awaited<ReturnType<Rooms["list"]>>;
const room = (id: string) => ({ id }) as RoomSummary;
const page = (id: string, next_cursor: string | null = null): Page => ({ data: [room(id)], next_cursor });

/** Answers when it is told to. */
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
  const listed = vi.fn();
  createListing({ list }, { listed, failed: vi.fn() }).ask();
  answer(page("one", "next"));
  await vi.waitFor(() => expect(list).toHaveBeenLastCalledWith({ limit: 100, cursor: "next" }));
  answer(page("two"));
  await vi.waitFor(() => expect(listed).toHaveBeenCalledWith([room("one"), room("two")]));
});

test("asking again passes over the answer that is on its way", async () => {
  const { list, answer } = rooms();
  const listed = vi.fn();
  const listing = createListing({ list }, { listed, failed: vi.fn() });
  listing.ask();
  listing.ask();
  listing.ask();
  answer(page("old"));
  await vi.waitFor(() => expect(list).toHaveBeenCalledTimes(2));
  answer(page("new"));
  await vi.waitFor(() => expect(listed).toHaveBeenCalled());
  expect(listed.mock.calls).toEqual([[[room("new")]]]);
});

test("a failure is said, and the next question is asked", async () => {
  const { list, answer } = rooms();
  const events = { listed: vi.fn(), failed: vi.fn() };
  const listing = createListing({ list }, events);
  listing.ask();
  answer(new Error("away"));
  await vi.waitFor(() => expect(events.failed).toHaveBeenCalled());
  listing.ask();
  answer(page("one"));
  await vi.waitFor(() => expect(events.listed).toHaveBeenCalled());
});
