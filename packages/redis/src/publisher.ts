import type { Bytes } from "@signalbox/core/model/bytes";
import type { Channel } from "@signalbox/core/ports/pub-sub";
import { Problem } from "@signalbox/protocol/errors";
import { ANSWER_MS, isMoved, within } from "./connection.ts";
import { channelName } from "./keys.ts";
import type { Topology } from "./topology.ts";

/** Publications under way to Redis at a time, at most; further ones are dropped. */
const MOST_WAITING = 50_000;
const MOST_WAITING_BYTES = 8 * 1024 * 1024;

/** Sends publications to the servers of their channels. None waits for another. */
export class Publisher {
  private readonly topology: Topology;
  /** The number of publications on their way to Redis. */
  waiting = 0;
  private waitingBytes = 0;
  /** The number of publications since the start that were dropped, or that Redis refused. */
  lost = 0;

  constructor(topology: Topology) {
    this.topology = topology;
  }

  /** As `PubSub.publish`. */
  publish(channel: Channel, payload: Bytes): void {
    void this.send(channel, payload);
  }

  /** As `PubSub.publishConfirmed`. */
  async publishConfirmed(channel: Channel, payload: Bytes): Promise<void> {
    const sent = this.send(channel, payload);
    try {
      await within(ANSWER_MS, sent ?? Promise.reject(new Error("It was dropped")));
    } catch {
      throw new Problem("unavailable", "This could not be published to the other nodes");
    }
  }

  /** Returns undefined for a dropped publication. A rejection is handled here, also when the caller ignores the promise. */
  private send(channel: Channel, payload: Bytes): Promise<unknown> | undefined {
    const name = channelName(channel);
    const commands = this.topology.owner(name)?.commands;
    const full = this.waiting >= MOST_WAITING || this.waitingBytes + payload.length > MOST_WAITING_BYTES;
    if (!commands?.up || full) {
      this.lost++;
      return undefined;
    }
    this.waiting++;
    this.waitingBytes += payload.length;
    const bytes = Buffer.from(payload, "latin1");
    const sent = this.topology.sharded ? commands.batched.spublish(name, bytes) : commands.batched.publish(name, bytes);
    sent.then(
      () => this.release(payload),
      (error: unknown) => this.failed(payload, error),
    );
    return sent;
  }

  private release(payload: Bytes): void {
    this.waiting--;
    this.waitingBytes -= payload.length;
  }

  /** Counts a failed publication as lost. Sent again, it would arrive after younger ones. */
  private failed(payload: Bytes, error: unknown): void {
    this.release(payload);
    this.lost++;
    if (isMoved(error)) void this.topology.refresh();
  }
}
