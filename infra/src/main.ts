import { startCluster } from "./cluster.ts";
import { originsOf, startPage } from "./page.ts";
import { buildPage } from "./page-build.ts";
import { freePort } from "./redis-process.ts";

const print = (line: string) => process.stdout.write(`${line}\n`);

let stopping = false;

/** Starts the topology and its page. The nodes need the page's origin before the page knows their addresses. */
async function start() {
  await buildPage(print).catch((error: Error) => {
    if (!stopping) print(error.message);
  });
  if (stopping) throw new Error("stopped before it began");
  const port = await freePort();
  print("Bringing up Redis Cluster, Postgres, two API nodes and two gateway nodes …");
  const env = { ALLOWED_ORIGINS: originsOf(port).join() };
  const cluster = await startCluster({ env, progress: (line) => print(`  ${line}`) });
  try {
    const page = await startPage(cluster, port);
    return { cluster, page };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

// The handlers are set at once, so that Ctrl-C during the start ends the parts that are up.
const starting = start();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    print("Taking it down …");
    void starting
      .then(
        async ({ cluster, page }) => {
          await page.close();
          await cluster.stop();
        },
        () => {},
      )
      .then(() => process.exit(0));
  });

try {
  const { cluster, page } = await starting;
  if (!stopping) {
    print(`  page           ${page.url}`);
    print(`\nSign tokens with JWT_SECRET=${cluster.secret}\nCtrl-C takes everything down.`);
  }
} catch (error) {
  if (stopping) process.exit(0);
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
// Keeps this process alive until a signal: its children do not.
setInterval(() => {}, 2 ** 30);
