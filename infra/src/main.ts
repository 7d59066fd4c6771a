import { startCluster } from "./cluster.ts";
import { originsOf, startPage } from "./page.ts";
import { buildPage } from "./page-build.ts";
import { freePort } from "./redis-process.ts";

const say = (line: string) => process.stdout.write(`${line}\n`);

let stopping = false;

/** The topology and its page. The nodes have to know where the page will be before it knows where they are. */
async function start() {
  await buildPage(say).catch((error: Error) => {
    if (!stopping) say(error.message);
  });
  if (stopping) throw new Error("stopped before it began");
  const port = await freePort();
  say("Bringing up Redis Cluster, Postgres, two API nodes and two gateway nodes …");
  const env = { ALLOWED_ORIGINS: originsOf(port).join() };
  const cluster = await startCluster({ env, progress: (line) => say(`  ${line}`) });
  try {
    const page = await startPage(cluster, port);
    return { cluster, page };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

// Known before anything starts, so that Ctrl-C in the middle ends what is there.
const starting = start();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    say("Taking it down …");
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
    say(`  page           ${page.url}`);
    say(`\nSign tokens with JWT_SECRET=${cluster.secret}\nCtrl-C takes everything down.`);
  }
} catch (error) {
  if (stopping) process.exit(0);
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
// The children are what keeps this process busy; this keeps it here until it is told to stop.
setInterval(() => {}, 2 ** 30);
