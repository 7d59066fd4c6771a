/** The events' types are those of the protocol's schemas. `npm run check` checks this file. */
import type { CLOSE } from "@signalbox/protocol/close";
import type { DurableEvent, SessionFrame, Signal } from "@signalbox/protocol/down";
import type { PROBLEMS } from "@signalbox/protocol/errors";
import type { Role } from "@signalbox/protocol/http";
import type * as presence from "@signalbox/protocol/presence";
import { describe, expectTypeOf, test } from "vitest";
import type { Role as ClientRole } from "./api.ts";
import type { ErrorCode } from "./errors.ts";
import type { Choice, DurableEvent as ClientDurableEvent, ConnectionChanged, Events, Status } from "./events.ts";
import type { Receipts } from "./ports.ts";

type Down = DurableEvent | Signal | SessionFrame;
/** The protocol's type of a frame. */
type Frame<T extends Down["type"]> = Extract<Down, { type: T }>;

describe("the type of the event", () => {
  test("message", () => expectTypeOf<Events["message"]>().toEqualTypeOf<Frame<"SEND_MSG">>());
  test("messageEdited", () => expectTypeOf<Events["messageEdited"]>().toEqualTypeOf<Frame<"EDIT_MSG">>());
  test("messageDeleted", () => expectTypeOf<Events["messageDeleted"]>().toEqualTypeOf<Frame<"DELETE_MSG">>());
  test("reply", () => expectTypeOf<Events["reply"]>().toEqualTypeOf<Frame<"REPLY">>());
  test("typing", () => expectTypeOf<Events["typing"]>().toEqualTypeOf<Frame<"TYPING">>());
  test("reaction", () => expectTypeOf<Events["reaction"]>().toEqualTypeOf<Frame<"REACT">>());
  test("reactionDeleted", () => expectTypeOf<Events["reactionDeleted"]>().toEqualTypeOf<Frame<"DELETE_REACT">>());
  test("messageRead", () => expectTypeOf<Events["messageRead"]>().toEqualTypeOf<Frame<"READ_MSG">>());
  test("userJoined", () => expectTypeOf<Events["userJoined"]>().toEqualTypeOf<Frame<"USER_JOIN">>());
  test("userLeft", () => expectTypeOf<Events["userLeft"]>().toEqualTypeOf<Frame<"USER_LEAVE">>());
  test("chatCreated", () => expectTypeOf<Events["chatCreated"]>().toEqualTypeOf<Frame<"NEW_CHAT">>());
  test("chatDeleted", () => expectTypeOf<Events["chatDeleted"]>().toEqualTypeOf<Frame<"DELETE_CHAT">>());
  test("presence", () => expectTypeOf<Events["presence"]>().toEqualTypeOf<Frame<"PRESENCE">>());
  test("stopTyping", () => expectTypeOf<Events["stopTyping"]>().toEqualTypeOf<Frame<"STOP_TYPING">>());
  test("notification", () => expectTypeOf<Events["notification"]>().toEqualTypeOf<Frame<"NOTIFICATION">>());
  test("marker", () => expectTypeOf<Events["marker"]>().toEqualTypeOf<Frame<"MARKER">>());
  test("roomState", () => expectTypeOf<Events["roomState"]>().toEqualTypeOf<Frame<"ROOM_STATE">>());
  test("reset", () => expectTypeOf<Events["reset"]>().toEqualTypeOf<Frame<"RESET">>());
  // The SDK's own event: no frame has it.
  test("connection", () => {
    expectTypeOf<Events["connection"]>().toEqualTypeOf<ConnectionChanged>();
    type Code = (typeof CLOSE)[keyof typeof CLOSE]["code"];
    expectTypeOf<Code>().toExtend<NonNullable<Events["connection"]["code"]>>();
  });
});

describe("the types leave nothing out", () => {
  test("of the durable events", () => expectTypeOf<ClientDurableEvent>().toEqualTypeOf<DurableEvent>());
  test("of the signals, of which many receipts come one by one", () => {
    type Heard = Exclude<Signal, { type: "RECEIPTS" }>;
    expectTypeOf<Heard>().toExtend<Events[keyof Events]>();
    expectTypeOf<Receipts>().toEqualTypeOf<Frame<"RECEIPTS">>();
  });
  test("of the errors", () => expectTypeOf<keyof typeof PROBLEMS>().toExtend<ErrorCode>());
  test("of the words of presence", () => {
    expectTypeOf<Choice>().toEqualTypeOf<presence.Choice>();
    expectTypeOf<Status>().toEqualTypeOf<presence.Status>();
  });
  test("of the roles", () => expectTypeOf<ClientRole>().toEqualTypeOf<Role>());
});
