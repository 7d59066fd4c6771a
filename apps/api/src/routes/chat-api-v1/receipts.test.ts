import { expect, it } from "vitest";
import { ADA, fakeApi } from "../../api.fake.ts";
import { askedFromOutside, CONVERSATION, EVENT, HIDDEN, membersOnly } from "./signals.fake.ts";

it("prints the receipts of members that have read", async () => {
  const { call } = fakeApi({ store: membersOnly });
  expect(await (await call(ADA, "GET", `${CONVERSATION}/receipts`)).json()).toEqual({
    data: [{ user_id: ADA, last_read_event_id: EVENT, read_at: "2026-02-24T14:35:30.000Z" }],
  });
});

it("hides them from strangers", async () => {
  expect(await askedFromOutside("receipts")).toEqual(HIDDEN);
});
