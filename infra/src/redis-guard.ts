import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** Kills the recorded processes and removes `folder` when this process ends, also by SIGKILL, which runs no handler. */
export class Guard {
  private readonly shell: ChildProcess;

  constructor(folder: string) {
    const script = `pids=" "
      while read -r sign pid; do
        case $sign in
          +) pids="$pids$pid " ;;
          -) pids="\${pids%% $pid *} \${pids#* $pid }" ;;
        esac
      done
      for pid in $pids; do kill -9 "$pid"; done
      # A server that is just dying may still write.
      until rm -rf "$0"; do sleep 0.1; done`;
    // A group of its own: Ctrl-C in a terminal must not end the guard before its work.
    this.shell = spawn("sh", ["-c", script, folder], { stdio: ["pipe", "ignore", "ignore"], detached: true });
    this.shell.unref();
    // The pipe breaks when the guard is killed; there is nothing left to do then.
    this.shell.stdin?.on("error", () => {});
    (this.shell.stdin as (NodeJS.WritableStream & { unref?(): void }) | null)?.unref?.();
  }

  /** Adds (`+`) a process to those to kill, or removes (`-`) it. */
  record(sign: "+" | "-", pid: number): void {
    this.shell.stdin?.write(`${sign} ${pid}\n`);
  }

  /** Kills the remaining processes and removes the folder; resolves when that is done. */
  async end(): Promise<void> {
    if (this.shell.exitCode !== null) return;
    this.shell.ref();
    const closed = once(this.shell, "close");
    this.shell.stdin?.end();
    await closed;
  }
}
