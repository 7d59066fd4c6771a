import type { Progress } from "@signalbox/node/bridge";

const WIDTH = 24;
const BAR_MS = 200;

interface Screen {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/**
 * Shows the progress of a rebuild on one line. The number of events on the homeserver is unknown, so the bar follows their
 * times, from the first event to now. Without a terminal, it prints a line for each room.
 */
export function progressBar(screen: Screen): { move(progress: Progress): void; end(): void } {
  let room: string | undefined;
  let beganAt: number | undefined;
  let shownAt = 0;
  let last: Progress | undefined;

  function line({ matrixRoomId, events, reached }: Progress): string {
    const [from, now] = [beganAt ?? Date.now(), Date.now()];
    const part = Math.min(1, Math.max(0, ((reached?.getTime() ?? from) - from) / Math.max(1, now - from)));
    const full = Math.round(part * WIDTH);
    const date = reached?.toISOString().slice(0, 16).replace("T", " ") ?? "";
    return `[${"#".repeat(full)}${".".repeat(WIDTH - full)}] ${events} events, ${date}  ${matrixRoomId}`;
  }

  function end(): void {
    if (last !== undefined)
      screen.write(`${screen.isTTY ? "\r\x1b[K" : ""}${last.events} events  ${last.matrixRoomId}\n`);
    last = undefined;
  }

  return {
    move(progress) {
      if (progress.matrixRoomId !== room) {
        end();
        room = progress.matrixRoomId;
        beganAt = undefined;
      }
      beganAt ??= progress.reached?.getTime();
      last = progress;
      if (!screen.isTTY || Date.now() - shownAt < BAR_MS) return;
      shownAt = Date.now();
      screen.write(`\r\x1b[K${line(progress)}`);
    },
    end,
  };
}
